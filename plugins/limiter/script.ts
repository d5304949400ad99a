/**
 * Takes a token from each bucket, or none from any, in one step of the server, and by its clock alone. A bucket is one number,
 * when it will be full again, in microseconds since 1970; it ends by itself when it is full.
 *
 * KEYS: the buckets. ARGV: of each the interval in microseconds, and the tokens of a full bucket. Answers `{0, 0}`, or the
 * place of the first empty bucket from 1 on, and the milliseconds until all of them have a token.
 *
 * Numbers of Lua 5.1 are doubles: a time in microseconds is exact to a quarter of one.
 */
export const TAKE = `
local time = redis.call("TIME")
local now = time[1] * 1000000 + time[2]
local full_at, refused, wait = {}, 0, 0
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  full_at[i] = math.max(tonumber(redis.call("GET", key) or now), now) + interval
  local missing = full_at[i] - now - burst * interval
  if missing > 0.5 then
    if refused == 0 then refused = i end
    wait = math.max(wait, missing)
  end
end
if refused > 0 then return { refused, math.ceil(wait / 1000) } end
for i, key in ipairs(KEYS) do
  redis.call("SET", key, string.format("%.3f", full_at[i]), "PX", math.ceil((full_at[i] - now) / 1000) + 1)
end
return { 0, 0 }
`;
