-- Request headers that several policies set together: equal ones merge, different values of one name conflict.

-- Steps from one combination to the next, and allows, that are remembered; beyond it they are made anew. So many that no
-- honest bundle gets there, so few that no traffic fills the memory of a worker.
local STEPS_MAX = 4096

local HeaderSets = {}
HeaderSets.__index = HeaderSets

-- What some policies set: `headers` sorted by name, false where they conflict; `next`, the set that it becomes with a
-- policy's; `allows`, the decisions that allow with it, by the policy that they name.
local function header_set(headers) return { headers = headers, next = {}, allows = {} } end

local M = {}

function M.new()
  return setmetatable({ none = header_set({}), conflict = header_set(false), steps = 0 }, HeaderSets)
end

local function merged(left, right)
  local values, names = {}, {}
  for _, list in ipairs({ left, right }) do
    for _, header in ipairs(list) do
      local known = values[header.name]
      if known == nil then
        names[#names + 1] = header.name
        values[header.name] = header.value
      elseif known ~= header.value then
        return nil
      end
    end
  end
  table.sort(names)
  local headers = {}
  for i, name in ipairs(names) do headers[i] = { name = name, value = values[name] } end
  return headers
end

-- The set and what a policy sets. Allocates nothing for a step that was taken before.
function HeaderSets:with(set, policy)
  local own = policy.headers
  if own == nil or not set.headers then return set end
  local known = set.next[own]
  if known then return known end
  local headers = merged(set.headers, own)
  local made
  if headers == nil then
    made = self.conflict
  elseif #headers == #set.headers then
    made = set
  else
    made = header_set(headers)
  end
  if self:remembers() then set.next[own] = made end
  return made
end

-- Whether one more step may be remembered; counts it.
function HeaderSets:remembers()
  self.steps = self.steps + 1
  return self.steps <= STEPS_MAX
end

return M
