-- Stores and announces one event of a log channel.
--
-- KEYS  1 log stream  2 mark of an event that may be appended once only
-- ARGV  1 event  2 data  3 topic  4 entries kept  5 seconds to keep  6 "1" if only once
-- Gives the position; "0" when it was appended before.
if ARGV[6] == '1' and not redis.call('SET', KEYS[2], 1, 'NX', 'EX', tonumber(ARGV[5])) then return '0' end
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local at = last and tonumber(string.match(last[1], '^%d+')) + 1 or tonumber(redis.call('TIME')[1]) * 1048576
local pos = string.format('%.0f', at)
redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[4], pos .. '-0', 'e', ARGV[1], 'd', ARGV[2])
redis.call('EXPIRE', KEYS[1], tonumber(ARGV[5]))
redis.call('PUBLISH', ARGV[3], pos .. ' ' .. ARGV[1] .. '\n' .. ARGV[2])
return pos
