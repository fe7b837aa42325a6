-- Stores and announces a task's snapshot and the log entries before it, in one step.
--
-- KEYS  1 state hash  2 log stream
-- ARGV  1 attempt  2 "1" if final  3 seconds to keep  4 event  5 JSON before the position  6 JSON after it
--       7 state topic  8 log topic  9 log entries kept  10 the task's row before the position
--       11 topics for the row, by line breaks  then each log entry's JSON
-- Gives {verdict, position, cancel time or ""}.
--
-- Numbers are doubles here, and tostring() would give 14 digits: positions are written with %.0f.
local kept = redis.call('HMGET', KEYS[1], 'attempt', 'pos', 'final', 'cancel')
local attempt, known = tonumber(ARGV[1]), tonumber(kept[1] or -1)
if attempt < known then return {'superseded', kept[2] or '0', kept[4] or ''} end
if attempt == known and kept[3] == '1' then return {'ended', kept[2], kept[4] or ''} end

local function start()
  return tonumber(redis.call('TIME')[1]) * 1048576
end

local ttl = tonumber(ARGV[3])
if #ARGV > 11 then
  local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  local at = last and tonumber(string.match(last[1], '^%d+')) + 1 or start()
  for i = 12, #ARGV do
    local pos = string.format('%.0f', at)
    redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[9], pos .. '-0', 'e', 'log', 'd', ARGV[i])
    redis.call('PUBLISH', ARGV[8], pos .. ' log\n' .. ARGV[i])
    at = at + 1
  end
end
redis.call('EXPIRE', KEYS[2], ttl)

local pos = string.format('%.0f', kept[2] and tonumber(kept[2]) + 1 or start())
local body = ARGV[5] .. pos .. ARGV[6]
redis.call('HSET', KEYS[1], 'attempt', ARGV[1], 'pos', pos, 'final', ARGV[2], 'event', ARGV[4], 'body', body)
redis.call('EXPIRE', KEYS[1], ttl)
redis.call('PUBLISH', ARGV[7], pos .. ' ' .. ARGV[4] .. '\n' .. body)
-- A topic that nobody listens to costs less than asking whether somebody does.
local row = pos .. ' row\n' .. ARGV[10] .. pos .. '}'
for topic in string.gmatch(ARGV[11], '[^\n]+') do redis.call('PUBLISH', topic, row) end
return {'accepted', pos, kept[4] or ''}
