-- What policies count before they allow: the parts of rules 14 and 15 that are about limits.
local K = require("kong.plugins.ipe.gen.constants")
local refuse = require("kong.plugins.ipe.verify.refusal").refuse

local FILL_MICROS_MAX = K.LIMIT_LIMIT_FILL_SECONDS_MAX * 1e6
local COUNTABLE = { string = true, int = true, bool = true, enum = true, ip = true }

local M = {}

-- The limits of one policy, while its obligations are read: each with the keys behind it.
local Reading = {}
Reading.__index = Reading

function M.reading(where, policy_name)
  return setmetatable({ where = where, policy_name = policy_name, limits = {}, open = nil }, Reading)
end

-- True where the obligation is a limit or a key.
function Reading:take(obligation)
  if obligation.kind == K.OBLIGATION_LIMIT then
    if #self.limits == K.LIMIT_LIMITS_MAX then refuse(self.where, "it has more than " .. K.LIMIT_LIMITS_MAX .. " limits") end
    self.open = {
      name = self.policy_name .. "#" .. #self.limits, policy = self.policy_name,
      interval = obligation.interval, burst = obligation.burst, keys = {},
    }
    self.limits[#self.limits + 1] = self.open
    return true
  end
  if obligation.kind ~= K.OBLIGATION_LIMIT_KEY then
    self.open = nil
    return false
  end
  if self.open == nil or #self.open.keys == K.LIMIT_LIMIT_KEYS_MAX then
    refuse(self.where, "a key follows no limit, or more than " .. K.LIMIT_LIMIT_KEYS_MAX .. " follow one")
  end
  self.open.keys[#self.open.keys + 1] = obligation
  return true
end

-- Something else follows, behind which no key can stand.
function Reading:close() self.open = nil end

-- What is left to check: the policy's flags say how limits fail only where there are some.
function Reading:finish(policy)
  if #self.limits == 0 then
    if policy.limiter_failure ~= 0 then refuse(self.where, "it says what becomes of its limits and has none") end
    return
  end
  for _, limit in ipairs(self.limits) do limit.on_failure = K.LIMITER_FAILURE_NAMES[policy.limiter_failure] end
  policy.limits = self.limits
end

-- { kind, interval = microseconds until a token comes back, burst = tokens in a full bucket }.
function M.read_limit(rows, i, c)
  local where = rows:at(i)
  local interval = c.numbers[rows:index(i, 1, "number", c.number_count)]
  local burst = c.numbers[rows:index(i, 2, "number", c.number_count)]
  if not (burst % 1 == 0 and burst >= 1 and burst <= K.LIMIT_LIMIT_BURST_MAX) then
    refuse(where, "a bucket holds " .. ("%.17g"):format(burst) .. " tokens")
  end
  if not (interval > 0 and interval * burst <= FILL_MICROS_MAX) then
    refuse(where, "a token comes back in " .. ("%.17g"):format(interval) .. " microseconds")
  end
  return { kind = K.OBLIGATION_LIMIT, interval = interval, burst = burst }
end

-- The cell that is counted by (verify/global_cells.lua), with `kind`.
function M.read_key(rows, i, cells)
  local where = rows:at(i)
  local key = cells:named_by(rows, i)
  if not COUNTABLE[key.type] then refuse(where, "cell " .. key.cell .. " is nothing to count by") end
  if rows:word(i, 2) ~= K.NONE then refuse(where, "a key has a value") end
  key.kind = K.OBLIGATION_LIMIT_KEY
  return key
end

return M
