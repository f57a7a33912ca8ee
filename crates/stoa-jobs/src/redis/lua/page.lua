-- Reads jobs in the order of their numbers, the latest first. ARGV: schema, the number before which to begin or '+inf', how
-- many to look at, a kind or '', an aggregation or '', states.
-- Returns 'newer', or 'ok', the number of the last that was looked at or false if that was all, and the records of those
-- that fit.
if is_newer() then
  return { 'newer' }
end
local before, part, kind, name = arg(), number(), arg(), arg()
local states, is_any = {}, cursor == #ARGV
while cursor < #ARGV do
  states[arg()] = true
end
local from = before == '+inf' and before or '(' .. before
local found = call('ZREVRANGEBYSCORE', P .. ':numbers', from, '-inf', 'WITHSCORES', 'LIMIT', 0, part)
local jobs = {}
for index = 1, #found, 2 do
  local values = call('HMGET', job_key(found[index]), 'state', 'aggregation')
  if values[1] and (is_any or states[values[1]]) and (name == '' or values[2] == name)
    and (kind == '' or kind_of(values[2]) == kind) then
    jobs[#jobs + 1] = record(found[index])
  end
end
local last = false
if #found == part * 2 then
  last = found[#found]
end
return { 'ok', last, jobs }
