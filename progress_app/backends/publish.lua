-- Stores and announces a task's snapshot and the log entries before it, in one step.
--
-- KEYS  1 state  2 log stream  3 cancel time
-- ARGV  1 attempt  2 seconds to keep  3 event  4 JSON before the position  5 JSON after it
--       6 state topic  7 log topic  8 log entries kept  9 the task's row before the position
--       10 topics for the row, by line breaks  then each log entry's JSON
-- Gives {verdict, position, cancel time or "", position of the newest of these log entries or "0"}.
--
-- Numbers are doubles here, and tostring() would give 14 digits: positions are written with %.0f.
-- The state is one text, "attempt position event", a line break and the JSON: a hash would take a third more memory.
local head = redis.call('GETRANGE', KEYS[1], 0, 63)
local attempt, newest, event = string.match(head, '^(%d+) (%d+) (%a+)\n')
local cancel = redis.call('GET', KEYS[3]) or ''
local order = tonumber(ARGV[1]) - tonumber(attempt or -1)
if order < 0 then return {'superseded', newest, cancel, '0'} end
if order == 0 and event == 'complete' then return {'ended', newest, cancel, '0'} end

local function start()
  return tonumber(redis.call('TIME')[1]) * 1048576
end

local ttl, logged = tonumber(ARGV[2]), '0'
if #ARGV > 10 then
  local kept = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 2)
  local at = kept[1] and tonumber(string.match(kept[1][1], '^%d+')) + 1 or start()
  -- Who got no answer sends its entries again: those that lie here already are left out. The newest entry of what was
  -- sent may have been a count of lines, which is made anew each time; so the one before it is looked for too.
  local first = 11
  for i = 11, #ARGV do
    for _, entry in ipairs(kept) do if entry[2][4] == ARGV[i] then first = i + 1 end end
  end
  logged = string.format('%.0f', at - 1)
  for i = first, #ARGV do
    logged = string.format('%.0f', at)
    redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[8], logged .. '-0', 'e', 'log', 'd', ARGV[i])
    redis.call('PUBLISH', ARGV[7], logged .. ' log\n' .. ARGV[i])
    at = at + 1
  end
end
redis.call('EXPIRE', KEYS[2], ttl)

local pos = string.format('%.0f', newest and tonumber(newest) + 1 or start())
local body = ARGV[4] .. pos .. ARGV[5]
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. pos .. ' ' .. ARGV[3] .. '\n' .. body, 'EX', ttl)
redis.call('PUBLISH', ARGV[6], pos .. ' ' .. ARGV[3] .. '\n' .. body)
-- A topic that nobody listens to costs less than asking whether somebody does.
local row = pos .. ' row\n' .. ARGV[9] .. pos .. '}'
for topic in string.gmatch(ARGV[10], '[^\n]+') do redis.call('PUBLISH', topic, row) end
return {'accepted', pos, cancel, logged}
