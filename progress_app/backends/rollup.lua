-- Adds children's progress to their family's sums and, not too often, announces their parent's snapshot.
--
-- KEYS  1 parent's state  2 family hash  3 string of words, 4 bytes a child (see rollup.py)
-- ARGV  1 number of the first child told of  2 its word and those of the next ones  3 parent's topic
--       4 least milliseconds between two snapshots, 0: one now, -1: none now  5 seconds to keep
--       and to begin, or to begin again:  6 parent's attempt  7 children  8 template  9 low  10 high percent
--       11 when the parent began, Unix time in seconds  12 template of its row  13 topics for the row, by line breaks
--       14 when it began to wait for its children, Unix time in seconds
-- Gives {children, done, failed}, or {} when the family is not known here.
local state, family, words = KEYS[1], KEYS[2], KEYS[3]
local keep = tonumber(ARGV[5])

if ARGV[6] then
  local known = tonumber(redis.call('HGET', family, 'attempt') or -1)
  if tonumber(ARGV[6]) > known then
    redis.call('DEL', family, words)
    redis.call('HSET', family, 'sum', 0, 'most', 0, 'done', 0, 'failed', 0, 'sent', 0)
  end
  if tonumber(ARGV[6]) >= known then
    redis.call('HSET', family, 'attempt', ARGV[6], 'total', ARGV[7], 'template', ARGV[8], 'low', ARGV[9],
      'high', ARGV[10], 'began', ARGV[11], 'row', ARGV[12], 'topics', ARGV[13], 'waits', ARGV[14],
      'news', 1)
    redis.call('EXPIRE', family, keep)
  end
end

local kept = redis.call('HMGET', family, 'attempt', 'total', 'sum', 'most', 'done', 'failed', 'sent', 'news')
local first, told = tonumber(ARGV[1]) * 4, ARGV[2]
if not kept[1] or first + #told > tonumber(kept[2]) * 4 then return {} end
local total, sum, most = tonumber(kept[2]), tonumber(kept[3]), tonumber(kept[4])
local done, failed, news = tonumber(kept[5]), tonumber(kept[6]), kept[8] == '1'

if #told > 0 then
  local before = redis.call('GETRANGE', words, first, first + #told - 1)
  before = before .. string.rep('\0', #told - #before)
  local after, changed = {}, false
  for at = 1, #told, 4 do
    local was, now = struct.unpack('>I4', before, at), struct.unpack('>I4', told, at)
    if now > was then
      changed = true
      was, now = was % 65536, now % 65536
      sum = sum + math.min(now, 1000) - math.min(was, 1000)
      done = done + (now == 1002 and 1 or 0) - (was == 1002 and 1 or 0)
      failed = failed + (now == 1001 and 1 or 0) - (was == 1001 and 1 or 0)
      after[#after + 1] = string.sub(told, at, at + 3)
    else
      after[#after + 1] = string.sub(before, at, at + 3)
    end
  end
  if changed then
    news, most = true, math.max(most, sum)
    redis.call('SETRANGE', words, first, table.concat(after))
    redis.call('EXPIRE', words, keep)
    redis.call('HSET', family, 'sum', sum, 'most', most, 'done', done, 'failed', failed, 'news', 1)
  end
end

local interval = tonumber(ARGV[4])
if not news or interval < 0 then return {total, done, failed} end
local time = redis.call('TIME')
local seconds = tonumber(time[1]) + tonumber(time[2]) / 1000000
if interval > 0 and seconds * 1000 - tonumber(kept[7]) < interval then return {total, done, failed} end

local function tenth(value)
  return string.format('%.1f', math.floor(value * 10 + 1e-9) / 10)
end

-- As Rollup._eta, with the figures of `spread`: forecasts in both places are the same.
local function eta(part, waited, low, high)
  if part <= 0 or part >= 1 or waited <= 0 or high <= low then return 'null' end
  local left, rest = waited * (1 - part) / part, waited / part * (100 - high) / (high - low)
  local doubt = left * (0.6 * math.sqrt((1 - part) / part) / 2 + 0.03 + 0.15)
  local spread = math.sqrt(doubt * doubt + (rest * 0.8) * (rest * 0.8)) / (left + rest)
  if spread > 0.9 then return 'null' end
  local factor = math.exp(1.2816 * spread)
  return string.format('{"low":%.1f,"high":%.1f}', (left + rest) / factor, (left + rest) * factor)
end

local shown, last, event = string.match(redis.call('GETRANGE', state, 0, 63), '^(%d+) (%d+) (%a+)\n')
local order = tonumber(kept[1]) - tonumber(shown or -1)
if order > 0 or (order == 0 and event ~= 'complete') then
  local how = redis.call('HMGET', family, 'template', 'low', 'high', 'began', 'row', 'topics', 'waits')
  local part = total > 0 and most / (1000 * total) or 1
  local low, high = tonumber(how[2]), tonumber(how[3])
  local waited, ended = seconds - tonumber(how[7]), done + failed
  local pos = string.format('%.0f', last and tonumber(last) + 1 or tonumber(time[1]) * 1048576)
  local figures = {
    ['\1'] = pos,
    ['\2'] = string.format('%.0f', ended),
    ['\3'] = tenth(math.min(low + (high - low) * part, 99.9)),
    ['\4'] = string.format('%.0f', done),
    ['\5'] = string.format('%.0f', failed),
    ['\6'] = string.format('%.6f', seconds),
    ['\7'] = tenth(100 * part),
    ['\8'] = tenth(math.max(0, seconds - tonumber(how[4]))),
    ['\14'] = ended > 0 and waited > 0 and string.format('%.2f', ended / waited) or 'null',
    ['\15'] = eta(part, waited, low, high),
    ['\16'] = tenth(math.max(0, waited)),
  }
  local body, row = string.gsub(how[1], '%c', figures), string.gsub(how[5], '%c', figures)
  redis.call('SET', state, kept[1] .. ' ' .. pos .. ' progress\n' .. body, 'EX', keep)
  redis.call('PUBLISH', ARGV[3], pos .. ' progress\n' .. body)
  for topic in string.gmatch(how[6], '[^\n]+') do redis.call('PUBLISH', topic, pos .. ' row\n' .. row) end
end
redis.call('HSET', family, 'sent', string.format('%.0f', seconds * 1000), 'news', 0)
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, keep) end
return {total, done, failed}
