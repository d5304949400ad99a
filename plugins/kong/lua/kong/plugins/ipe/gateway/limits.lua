-- Buckets of tokens that all workers of this node share, in a dictionary of nginx's shared memory. A bucket is one number:
-- when it will be full again, in microseconds. Where that would lie further ahead than all tokens take, it is empty.
local limited = require("kong.plugins.ipe.runtime.decide").limited

local ffi = require("ffi")
local ngx = ngx
local ceil, ipairs, max, tonumber = math.ceil, ipairs, math.max, tonumber

local PREFIX = "ipe:"
local LOCK = "ipe:taking"
-- A worker that dies while it takes holds up the others no longer than this.
local LOCK_S = 0.05
-- Times that the lock is tried for, at once and then with a pause: others hold it for some microseconds.
local TRIES_MAX, PAUSES_MAX = 200, 20
local PAUSE_S = 0.001
-- Less than the clock can tell: sums of fractions are not exact.
local SLACK_MICROS = 0.5

-- Under a name of its own, since others declare the function, too. CLOCK_MONOTONIC of Linux, the same for all workers.
ffi.cdef([[
  typedef struct { long seconds; long nanoseconds; } ipe_time_t;
  int ipe_clock_gettime(int clock, ipe_time_t *time) __asm__("clock_gettime");
]])
local MONOTONIC = 1
local time = ffi.new("ipe_time_t")

local function now_micros()
  ffi.C.ipe_clock_gettime(MONOTONIC, time)
  return tonumber(time.seconds) * 1e6 + tonumber(time.nanoseconds) / 1e3
end

-- Kong's own template declares it.
local M = { DICTIONARY = "kong_rate_limiting_counters" }

-- The dictionary of a configuration, or nil and why there is none.
function M.dictionary(name)
  name = name or M.DICTIONARY
  local found = ngx.shared[name]
  if found then return found end
  return nil, ("its policies have limits, and there is no `lua_shared_dict %s` to count in (limits_dict)"):format(name)
end

local function locked(dictionary)
  for _ = 0, PAUSES_MAX do
    for _ = 1, TRIES_MAX do
      if dictionary:add(LOCK, true, LOCK_S) then return true end
    end
    ngx.sleep(PAUSE_S)
  end
  return false
end

-- Takes all tokens, or none: then the policy whose bucket is empty, and microseconds to wait.
local function take_all(takes, dictionary)
  local now = now_micros()
  local full_at, refused, wait = {}, nil, 0
  for i, take in ipairs(takes) do
    full_at[i] = max(dictionary:get(PREFIX .. take.key) or now, now) + take.interval
    local missing = full_at[i] - now - take.burst * take.interval
    if missing > SLACK_MICROS then
      refused = refused or take.policy
      wait = max(wait, missing)
    end
  end
  if refused then return refused, wait end
  for i, take in ipairs(takes) do
    -- What is full needs not be remembered. Where memory is full the oldest buckets are forgotten.
    dictionary:set(PREFIX .. take.key, full_at[i], (full_at[i] - now) / 1e6 + PAUSE_S)
  end
  return nil
end

-- The decision when its tokens are taken, or could not be.
function M.settle(decision, dictionary)
  local takes = decision.limits
  if takes == nil then return decision end
  if dictionary == nil or not locked(dictionary) then
    for _, take in ipairs(takes) do
      if take.on_failure ~= "allow" then return limited(take.policy, nil) end
    end
    return decision
  end
  local ok, refused, wait = pcall(take_all, takes, dictionary)
  dictionary:delete(LOCK)
  if not ok then error(refused, 0) end
  if refused == nil then return decision end
  return limited(refused, max(1, ceil(wait / 1e6)))
end

return M
