-- What several policies do on an allow together: removals, then what is set, then what is appended. Equal texts that are set
-- merge, different ones of one name conflict.
local K = require("kong.plugins.ipe.gen.constants")

local ipairs, pairs, sort = ipairs, pairs, table.sort

local SET = K.OBLIGATION_SET_REQUEST_HEADER
local APPEND = K.OBLIGATION_APPEND_REQUEST_HEADER
local REMOVE = K.OBLIGATION_REMOVE_REQUEST_HEADER
local REMOVE_QUERY = K.OBLIGATION_REMOVE_QUERY_PARAMETER
-- Members of what is done, by what sets them; each is a list of { name, value } by name.
local MEMBERS = {
  [SET] = "headers",
  [K.OBLIGATION_SET_RESPONSE_HEADER] = "response_headers",
  [K.OBLIGATION_SET_QUERY_PARAMETER] = "query",
  [K.OBLIGATION_SET_METADATA] = "metadata",
}

-- Steps from one combination to the next, and allows, that are remembered; beyond it they are made anew. So many that no
-- honest bundle gets there, so few that no traffic fills the memory of a worker.
local STEPS_MAX = 4096

local HeaderSets = {}
HeaderSets.__index = HeaderSets

local NOTHING = {}
local M = {
  -- What an allow does: `headers` that the request gets, `response_headers` that the answer gets, `query` parameters and
  -- `metadata`, { name, value } sorted by name each; `removed`, names of headers that are taken from the request, and
  -- `removed_query`, sorted, none of those that are set.
  NOTHING = {
    headers = NOTHING, removed = NOTHING, response_headers = NOTHING, query = NOTHING, removed_query = NOTHING,
    metadata = NOTHING,
  },
}

-- What some policies do: `actions`, all of them in order; `done`, what they do together, nil where it depends on values of the
-- request; `conflicts`, whether they set one name to different texts; `next`, the set that it becomes with a policy's;
-- `allows`, the decisions that allow with it, by the policy that they name.
local function header_set(actions, done, conflicts)
  return { actions = actions, done = done, conflicts = conflicts, next = {}, allows = {} }
end

function M.new()
  return setmetatable({
    none = header_set({}, M.NOTHING, false), conflict = header_set({}, M.NOTHING, true), steps = 0,
  }, HeaderSets)
end

-- As they are written: then they are equal for every request.
local function same_text(a, b)
  if a.value ~= b.value then return false end
  local own, other = a.parts or NOTHING, b.parts or NOTHING
  if #own ~= #other then return false end
  for i, part in ipairs(own) do
    if part.cell ~= other[i].cell or part.text ~= other[i].text then return false end
  end
  return true
end

local function conflict_in(actions)
  local known = {}
  for _, action in ipairs(actions) do
    if MEMBERS[action.kind] then
      local key = action.kind .. " " .. action.name
      if known[key] and not same_text(known[key], action) then return true end
      known[key] = action
    end
  end
  return false
end

local function has_parts(actions)
  for _, action in ipairs(actions) do
    if action.parts then return true end
  end
  return false
end

local function by_name(a, b) return a.name < b.name end

local function sorted(values)
  local list, count = {}, 0
  for name, value in pairs(values) do
    count = count + 1
    list[count] = { name = name, value = value }
  end
  if count > 1 then sort(list, by_name) end
  return list
end

local function names_without(names, kept)
  local list = {}
  for name in pairs(names) do
    if kept[name] == nil then list[#list + 1] = name end
  end
  sort(list)
  return list
end

-- What actions do that do not conflict. `texts`: by action with parts what it sets, false for nothing.
function M.carried_out(actions, texts)
  local set = { headers = {}, response_headers = {}, query = {}, metadata = {} }
  local removed, removed_query = {}, {}
  for _, action in ipairs(actions) do
    local member, text = MEMBERS[action.kind], action.value
    if action.parts then text = texts[action] end
    if member then
      if text then set[member][action.name] = text end
    elseif action.kind == REMOVE then
      removed[action.name] = true
    elseif action.kind == REMOVE_QUERY then
      removed_query[action.name] = true
    end
  end
  for _, action in ipairs(actions) do
    local text = action.value
    if action.parts then text = texts[action] end
    if action.kind == APPEND and text then
      -- Empty values leave no trace between others: hosts would take away a comma at the end.
      local before = set.headers[action.name] or ""
      set.headers[action.name] = before ~= "" and text ~= "" and before .. ", " .. text or before .. text
    end
  end
  return {
    headers = sorted(set.headers), removed = names_without(removed, set.headers),
    response_headers = sorted(set.response_headers), query = sorted(set.query),
    removed_query = names_without(removed_query, set.query), metadata = sorted(set.metadata),
  }
end

-- The set and what a policy does. Allocates nothing for a step that was taken before.
function HeaderSets:with(set, policy)
  local own = policy.actions
  if own == nil or set.conflicts then return set end
  local known = set.next[own]
  if known then return known end
  local actions = {}
  for _, list in ipairs({ set.actions, own }) do
    for _, action in ipairs(list) do actions[#actions + 1] = action end
  end
  local made = self.conflict
  if not conflict_in(actions) then
    made = header_set(actions, not has_parts(actions) and M.carried_out(actions) or nil, false)
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
