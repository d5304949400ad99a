-- What several policies do to the request's headers together: removals, then what is set, then what is appended. Equal
-- values that are set merge, different ones of one name conflict.
local K = require("kong.plugins.ipe.gen.constants")

local APPEND = K.OBLIGATION_APPEND_REQUEST_HEADER
local REMOVE = K.OBLIGATION_REMOVE_REQUEST_HEADER

-- Steps from one combination to the next, and allows, that are remembered; beyond it they are made anew. So many that no
-- honest bundle gets there, so few that no traffic fills the memory of a worker.
local STEPS_MAX = 4096

local HeaderSets = {}
HeaderSets.__index = HeaderSets

local M = {}

-- What some policies do: `headers`, what the request gets, sorted by name, false where they conflict; `removed`, names
-- that are taken from it, sorted, none of `headers`; `actions`, all of them in order; `next`, the set that it becomes with
-- a policy's; `allows`, the decisions that allow with it, by the policy that they name.
local function header_set(actions, headers, removed)
  return { actions = actions, headers = headers, removed = removed, next = {}, allows = {} }
end

function M.new()
  return setmetatable({ none = header_set({}, {}, {}), conflict = header_set({}, false, {}), steps = 0 }, HeaderSets)
end

-- What is set, by name; nil where two differ.
local function set_by(actions)
  local values = {}
  for _, action in ipairs(actions) do
    if action.kind ~= APPEND and action.kind ~= REMOVE then
      local known = values[action.name]
      if known ~= nil and known ~= action.value then return nil end
      values[action.name] = action.value
    end
  end
  return values
end

local function made_of(actions)
  local values = set_by(actions)
  if values == nil then return nil end
  local removes = {}
  for _, action in ipairs(actions) do
    local name = action.name
    if action.kind == APPEND then
      -- Empty values leave no trace between others: hosts would take away a comma at the end.
      local before, value = values[name] or "", action.value
      values[name] = before ~= "" and value ~= "" and before .. ", " .. value or before .. value
    elseif action.kind == REMOVE then
      removes[name] = true
    end
  end
  local headers, removed = {}, {}
  for name, value in pairs(values) do headers[#headers + 1] = { name = name, value = value } end
  table.sort(headers, function(a, b) return a.name < b.name end)
  for name in pairs(removes) do
    if values[name] == nil then removed[#removed + 1] = name end
  end
  table.sort(removed)
  return header_set(actions, headers, removed)
end

-- The set and what a policy does. Allocates nothing for a step that was taken before.
function HeaderSets:with(set, policy)
  local own = policy.actions
  if own == nil or not set.headers then return set end
  local known = set.next[own]
  if known then return known end
  local actions = {}
  for _, list in ipairs({ set.actions, own }) do
    for _, action in ipairs(list) do actions[#actions + 1] = action end
  end
  local made = made_of(actions) or self.conflict
  if self:remembers() then set.next[own] = made end
  return made
end

-- Whether one more step may be remembered; counts it.
function HeaderSets:remembers()
  self.steps = self.steps + 1
  return self.steps <= STEPS_MAX
end

return M
