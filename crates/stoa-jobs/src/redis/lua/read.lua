-- Reads jobs, and who has a fingerprint. ARGV: schema, ids with their count, fingerprints.
-- Returns 'newer', or 'ok', the time, what `record` reads of each id, and the id and the record of each fingerprint.
if is_newer() then
  return { 'newer' }
end
local jobs, live = {}, {}
for index = 1, number() do
  jobs[index] = record(arg())
end
while cursor < #ARGV do
  local id = call('HGET', P .. ':live', arg())
  live[#live + 1] = { id, id and record(id) }
end
return { 'ok', now, jobs, live }
