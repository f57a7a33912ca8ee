-- Forgets aggregations that have nothing to do, and finds what has come with time. ARGV: schema, how many of each sort.
-- Returns 'newer', or 'ok', the time, how many aggregations were looked at, and of leases, deadlines and removals each the
-- records of those that have passed, and the moment of the next one or false.
if is_newer() then
  return { 'newer' }
end
local part = number()
local idle = call('ZRANGEBYSCORE', P .. ':idle', '-inf', now, 'LIMIT', 0, part)
for _, name in ipairs(idle) do
  if not aggregation(name).exists then
    call('ZREM', P .. ':idle', name)
  end
end
settle()
local sorts = {}
for index, sort in ipairs({ ':running', ':deadlines', ':removals' }) do
  local passed = {}
  for _, id in ipairs(call('ZRANGEBYSCORE', P .. sort, '-inf', now, 'LIMIT', 0, part)) do
    local values = record(id)
    if values then
      passed[#passed + 1] = values
    else
      call('ZREM', P .. sort, id)
    end
  end
  local after = call('ZRANGE', P .. sort, #passed, #passed, 'WITHSCORES')
  sorts[index] = { passed, after[2] or false }
end
return { 'ok', now, #idle, sorts }
