-- Rule 13: what the bundle says that it reads and needs is what its code reads and needs.
local K = require("kong.plugins.ipe.gen.constants")
local refusal = require("kong.plugins.ipe.verify.refusal")

local refuse, shown = refusal.refuse, refusal.shown
local TIME = "request.time"
-- Words of a policy in front of its expiry.
local EXPIRY = 13

local M = {}

local function expiring_policy(t)
  for i = 0, t.policies.count - 1 do
    if t.policies:word(i, EXPIRY) ~= K.NONE then return i end
  end
  return nil
end

local function is_used(slot, code, named)
  for cell = slot.cell, slot.cell + slot.shape.width - 1 do
    if code.used_cells[cell] or named[cell] then return true end
  end
  return false
end

-- Rule 13. `named`: the cells that obligations name, a set. Returns the cell of `request.time` where some policy expires, else nil.
function M.check(t, slots, code, named)
  local expiring = expiring_policy(t)
  local time
  if expiring then
    for _, slot in ipairs(slots) do
      if slot.name == TIME then time = slot end
    end
    if time == nil then refuse(t.policies:at(expiring), "it expires, and there is no slot `request.time`") end
  end
  for i, slot in ipairs(slots) do
    local used = i - 1 == t.selector or slot == time or is_used(slot, code, named)
    local where = t.slots:at(i - 1)
    if used and not slot.read then
      refuse(where, "some code reads " .. shown(slot.name) .. ", its flag says that none does")
    end
    if not used and slot.read then
      refuse(where, "no code reads " .. shown(slot.name) .. ", its flag says that some does")
    end
  end
  return time and time.cell
end

-- The features that the header must name, no more and no fewer.
function M.check_features(features, slots, code, has_limits)
  local needed = 0
  for _, slot in ipairs(slots) do
    if slot.read and slot.source == "body" then needed = K.FEATURE_BODY end
  end
  needed = needed + (code.aggregates and K.FEATURE_AGGREGATES or 0) + (code.networks and K.FEATURE_NETWORKS or 0)
    + (code.computes and K.FEATURE_COMPUTING or 0) + (has_limits and K.FEATURE_LIMITS or 0)
  if features ~= needed then
    refuse("header", ("features 0x%x, slots and code need 0x%x"):format(features, needed))
  end
end

return M
