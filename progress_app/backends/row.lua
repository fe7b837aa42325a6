-- Announces the row of a task that has not reported yet.
--
-- KEYS  1 state
-- ARGV  1 the row  2 topics, by line breaks
-- Gives 1, or 0 when the task has reported: its own rows are newer.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for topic in string.gmatch(ARGV[2], '[^\n]+') do redis.call('PUBLISH', topic, '0 row\n' .. ARGV[1]) end
return 1
