-- The outcome of one policy, and the decision that all outcomes make (docs/bytecode.md, "Code").
local header_sets = require("kong.plugins.ipe.runtime.header_sets")
local K = require("kong.plugins.ipe.gen.constants")
local limit_keys = require("kong.plugins.ipe.runtime.limit_keys")
local value_texts = require("kong.plugins.ipe.runtime.value_texts")

local PRESENT = 1
local DENY_STATUS = 403
-- RFC 6585, section 4.
local LIMIT_STATUS = 429
local ALLOWS, DENIES = K.EFFECT_ALLOWS, K.EFFECT_DENIES
-- The lowest rank of a denial wins.
local RANKS = { denied = 0, unsatisfied = 1, indeterminate = 2 }
local NO_RANK = 3
local NO_HEADERS = {}
local NOTHING = header_sets.NOTHING

local function joined(before, more)
  if before == nil then return more end
  local all = {}
  for _, list in ipairs({ before, more }) do
    for _, limit in ipairs(list) do all[#all + 1] = limit end
  end
  return all
end

local Decider = {}
Decider.__index = Decider

local M = {}

-- A decision: `allow`; `policy` (nil for none) and `outcome`, its reason; what it does (runtime/header_sets.lua, `NOTHING`);
-- `limits`, what must be taken before it is an allow (nil for nothing); of a denial `status`, `body` (nil where none is
-- configured) and `answers`, its headers. Never changed.
local function decision(allows, policy, outcome, done)
  return {
    allow = allows, policy = policy, outcome = outcome, headers = done.headers, removed = done.removed,
    response_headers = done.response_headers, query = done.query, removed_query = done.removed_query,
    metadata = done.metadata,
  }
end

local function deny(policy, outcome, status, body, answers)
  local made = decision(false, policy, outcome, NOTHING)
  made.status, made.body, made.answers = status, body, answers or NO_HEADERS
  return made
end

local function allow(policy, outcome, done) return decision(true, policy, outcome, done) end

-- Nothing can be taken from a bucket, or nobody knows which one it is. `retry_after`: whole seconds, or nil.
function M.limited(policy, retry_after)
  local answers = retry_after and { { name = "retry-after", value = ("%d"):format(retry_after) } } or nil
  return deny(policy, "limit", LIMIT_STATUS, nil, answers)
end

-- `translator` gives the functions of routines.
function M.new(program, cells, translator)
  for _, policy in ipairs(program.policies) do
    policy.run_trigger = translator:routine(policy.trigger)
    policy.run_requirement = translator:routine(policy.requirement)
  end
  local refusal = deny(nil, "default", DENY_STATUS, nil)
  return setmetatable({
    policies = program.policies,
    policy_sets = program.policy_sets,
    time_cell = program.time_cell,
    cells = cells,
    header_sets = header_sets.new(),
    denials = { denied = {}, unsatisfied = {}, indeterminate = {} },
    refusal = refusal,
    default = program.default_allow and allow(nil, "default", NOTHING) or refusal,
    conflict = deny(nil, "obligation-conflict", DENY_STATUS, nil),
    no_policy_set = deny(nil, "no-policy-set", DENY_STATUS, nil),
  }, Decider)
end

local function outcome_of_code(policy)
  local trigger, row = policy.run_trigger, policy.row
  if trigger then
    local applies, met = trigger(true, row)
    if not applies then return "not-applicable" end
    if met and not trigger(false, row) then return "indeterminate" end
  end
  local effect = policy.effect
  if effect == DENIES then return "denied" end
  if effect == ALLOWS then return "satisfied" end
  return policy.run_requirement(false, row) and "satisfied" or "unsatisfied"
end

-- What one policy says about the request in the cells.
function Decider:outcome_of(policy)
  local expires = policy.expires
  if expires == nil then return outcome_of_code(policy) end
  local expired
  if self.cells.state[self.time_cell] == PRESENT then expired = self.cells.value[self.time_cell] >= expires end
  if expired and policy.off_when_expired then return "expired" end
  local outcome = outcome_of_code(policy)
  -- Expiry ends the power to allow, not the power to deny; without a clock nobody knows, and nobody allows.
  if expired == false or outcome ~= "satisfied" or policy.guard then return outcome end
  return expired and "expired" or "indeterminate"
end

-- The policy set that the request chooses: its index, -1 where there are no sets, nil where none is chosen.
function Decider:chosen_set()
  local sets = self.policy_sets
  if sets == nil then return -1 end
  if self.cells.state[sets.cell] ~= PRESENT then return nil end
  return sets.index_of[self.cells.value[sets.cell]]
end

function Decider:denial(policy, outcome)
  local known = self.denials[outcome][policy]
  if known then return known end
  local status, body, body_parts = policy.status == 0 and DENY_STATUS or policy.status, policy.body, policy.body_parts
  if body_parts then body = value_texts.body(body, body_parts, self.cells) end
  local made = deny(policy.name, outcome, status, body, policy.answers)
  if body_parts == nil then self.denials[outcome][policy] = made end
  return made
end

-- What is set depends on the request: nothing of it is remembered.
function Decider:with_values(first, actions)
  local texts = {}
  for _, action in ipairs(actions) do
    if action.parts then
      local text = value_texts.of(action, self.cells)
      if text == nil then return deny(action.policy, "obligation-invalid", DENY_STATUS, nil) end
      texts[action] = text
    end
  end
  return allow(first.name, "satisfied", header_sets.carried_out(actions, texts))
end

-- `first` in order of the policies that are satisfied; `set`: what all of them do.
function Decider:allowance(first, set)
  if set.conflicts then return self.conflict end
  if set.done == nil then return self:with_values(first, set.actions) end
  local known = set.allows[first]
  if known then return known end
  local made = allow(first.name, "satisfied", set.done)
  if set == self.header_sets.none or self.header_sets:remembers() then set.allows[first] = made end
  return made
end

-- The allow with what it takes: { policy = , key = , interval = , burst = , on_failure = } each.
function Decider:counted(allowed, limits)
  local takes = {}
  for i, limit in ipairs(limits) do
    local key = limit_keys.of(limit, self.cells)
    if key == nil then return M.limited(limit.policy, nil) end
    takes[i] = {
      policy = limit.policy, key = key, interval = limit.interval, burst = limit.burst, on_failure = limit.on_failure,
    }
  end
  local made = allow(allowed.policy, allowed.outcome, allowed)
  made.limits = takes
  return made
end

-- The decision about the request in the cells: policies in order, stopping where nothing can change it any more.
-- `sound`: method, host and path are valid; `default allow` covers nothing else.
function Decider:decide(sound)
  local set = self:chosen_set()
  if set == nil then return self.no_policy_set end
  local denying, denial, rank = nil, nil, NO_RANK
  local first, headers, limits = nil, self.header_sets.none, nil
  local policies = self.policies
  for i = 1, #policies do
    local policy = policies[i]
    if not policy.permissive and (policy.set == -1 or policy.set == set) then
      local outcome = self:outcome_of(policy)
      -- INVARIANT: a denial of the first rank wins over all that follow, by rank or by order.
      if outcome == "denied" then return self:denial(policy, outcome) end
      local own = RANKS[outcome] or NO_RANK
      if own < rank then denying, denial, rank = policy, outcome, own end
      if outcome == "satisfied" and not policy.guard then
        first = first or policy
        headers = self.header_sets:with(headers, policy)
        if policy.limits then limits = joined(limits, policy.limits) end
      end
    end
  end
  if denying then return self:denial(denying, denial) end
  if first then
    local allowed = self:allowance(first, headers)
    return limits and allowed.allow and self:counted(allowed, limits) or allowed
  end
  return sound and self.default or self.refusal
end

-- Outcomes of all policies in order: for audits and tests.
function Decider:outcomes()
  local set, list = self:chosen_set(), {}
  for i, policy in ipairs(self.policies) do
    local chosen = policy.set == -1 or policy.set == set
    list[i] = chosen and self:outcome_of(policy) or "not-applicable"
  end
  return list
end

return M
