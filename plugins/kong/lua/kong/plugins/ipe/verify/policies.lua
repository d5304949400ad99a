-- Rule 15: policies and guards with their metadata.
local bit = require("bit")
local is_safe_integer = require("kong.plugins.ipe.verify.values").is_safe_integer
local K = require("kong.plugins.ipe.gen.constants")
local obligations_of = require("kong.plugins.ipe.verify.obligations")
local refusal = require("kong.plugins.ipe.verify.refusal")

local refuse, shown = refusal.refuse, refusal.shown
local band, rshift = bit.band, bit.rshift

-- Words and bytes of a policy's entry.
local INTENT = 2
local KIND_BYTE, MODE_BYTE, SEVERITY_BYTE, EFFECT_BYTE = 12, 13, 14, 15

local DENY_STATUSES = { [0] = true }
for _, status in ipairs(K.DENY_STATUSES) do DENY_STATUSES[status] = true end
for _, status in ipairs(K.REDIRECT_STATUSES) do DENY_STATUSES[status] = true end

local M = {}

-- The policy sets of rule 15: `cell` of the selector and `index_of` a name; nil where there are none.
function M.read_sets(t, c, slots)
  local rows = t.policy_sets
  if (t.selector == K.NONE) ~= (rows.count == 0) then
    refuse("policies", "there is a selector without policy sets, or there are policy sets without a selector")
  end
  if rows.count == 0 then return nil end
  local slot = slots[t.selector + 1]
  if slot == nil then refuse("policies", "slot " .. t.selector .. " does not exist, there are " .. #slots) end
  local is_verified = slot.source == "builtin" or slot.source == "extension"
  if slot.shape.type ~= "string" or not is_verified or slot.has_default then
    refuse("policies", "slot " .. shown(slot.name) .. " cannot select policy sets")
  end
  local index_of = {}
  local before = -1
  for i = 0, rows.count - 1 do
    local name = rows:index(i, 0, "string", c.string_count)
    if c.strings[name] == "" then refuse(rows:at(i), "its name is empty") end
    if name <= before then refuse(rows:at(i), "names of sets do not ascend") end
    before = name
    index_of[c.strings[name]] = i
  end
  return { cell = slot.cell, index_of = index_of }
end

local function text_or_nil(strings, index) return index ~= -1 and strings[index] or nil end

local function check_order(rows, i, policies, name)
  local severity = rows:byte(i, SEVERITY_BYTE) - rows:byte(i - 1, SEVERITY_BYTE)
  if severity < 0 or (severity == 0 and name < policies[i].name) then
    refuse(rows:at(i), "it stands behind a policy that comes after it by severity, then name")
  end
end

local function choice(rows, i, at, what, names)
  local id = rows:byte(i, at)
  if names[id] == nil then refuse(rows:at(i), "unknown " .. what .. " " .. id) end
  return id
end

-- The policy's own entry, without ranges. `trigger` and `requirement` are routines, or -1.
local function read_entry(t, i, c, name)
  local rows = t.policies
  local where = rows:at(i)
  rows:index_or_none(i, INTENT, "text", t.texts.count)
  local policy = { name = name, set = rows:index_or_none(i, 1, "policy set", t.policy_sets.count) }
  local kind = choice(rows, i, KIND_BYTE, "kind", K.POLICY_KIND_NAMES)
  policy.guard = kind == K.POLICY_KIND_GUARD
  policy.permissive = choice(rows, i, MODE_BYTE, "mode", K.MODE_NAMES) == K.MODE_PERMISSIVE
  choice(rows, i, SEVERITY_BYTE, "severity", K.SEVERITY_NAMES)
  local effect = choice(rows, i, EFFECT_BYTE, "effect", K.EFFECT_NAMES)
  policy.effect = effect
  if policy.guard and effect == K.EFFECT_ALLOWS then refuse(where, "a guard that allows") end
  policy.trigger = rows:index_or_none(i, 4, "routine", t.routines.count)
  policy.requirement = rows:index_or_none(i, 5, "routine", t.routines.count)
  if (effect == K.EFFECT_REQUIRES) ~= (policy.requirement ~= -1) then
    refuse(
      where,
      policy.requirement == -1 and "it requires something and has no requirement"
        or "it " .. K.EFFECT_NAMES[effect] .. " and has a requirement"
    )
  end
  local status = rows:word(i, 6)
  if not DENY_STATUSES[status] then refuse(where, status .. " is no status for a denial") end
  policy.status = status
  policy.body = text_or_nil(c.strings, rows:index_or_none(i, 7, "string", c.string_count))
  local reason = rows:index_or_none(i, 8, "string", c.string_count)
  if reason ~= -1 and effect ~= K.EFFECT_DENIES then
    refuse(where, "it " .. K.EFFECT_NAMES[effect] .. " and has a reason for denying")
  end
  policy.reason = text_or_nil(c.strings, reason)
  local expiry = rows:index_or_none(i, 13, "number", c.number_count)
  if expiry ~= -1 then
    policy.expires = c.numbers[expiry]
    if not is_safe_integer(policy.expires) then refuse(where, "it expires at " .. policy.expires) end
  end
  local flags = rows:word(i, 14)
  policy.off_when_expired = band(flags, K.POLICY_FLAG_OFF_WHEN_EXPIRED) ~= 0
  if policy.off_when_expired and expiry == -1 then refuse(where, "it never expires and says what it is then") end
  policy.limiter_failure = rshift(flags, K.LIMITER_FAILURE_SHIFT)
  if K.LIMITER_FAILURE_NAMES[policy.limiter_failure] == nil then refuse(where, ("unknown flags 0x%x"):format(flags)) end
  return policy
end

local function check_metadata(t, i, first, stop)
  local keys = {}
  for m = first, stop - 1 do
    local key = t.metadata:index(m, 0, "text", t.texts.count)
    t.metadata:index(m, 1, "text", t.texts.count)
    if keys[key] then refuse(t.policies:at(i), "it has one key twice in its metadata") end
    keys[key] = true
  end
end

-- Rule 15, and the ranges of rules 14 and 18. Policies from 1 on.
function M.read(t, c, obligations)
  local rows = t.policies
  local policies, named = {}, {}
  local obligation, metadata, row = 0, 0, 0
  for i = 0, rows.count - 1 do
    local where = rows:at(i)
    local name = c.strings[rows:index(i, 0, "string", c.string_count)]
    if name == "" then refuse(where, "its name is empty") end
    if named[name] then refuse(where, "a second policy " .. shown(name)) end
    named[name] = true
    if i > 0 then check_order(rows, i, policies, name) end
    local policy = read_entry(t, i, c, name)
    policies[i + 1] = policy
    local first = obligation
    obligation = rows:next_range(i, 9, first, t.obligations)
    obligations_of.check(where, policy, obligations, first, obligation)
    local first_metadata = metadata
    metadata = rows:next_range(i, 11, first_metadata, t.metadata)
    check_metadata(t, i, first_metadata, metadata)
    policy.row = row
    row = rows:next_range(i, 15, row, t.rows)
    policy.row_end = row
  end
  t.obligations:all_used(obligation)
  t.metadata:all_used(metadata)
  t.rows:all_used(row)
  return policies
end

return M
