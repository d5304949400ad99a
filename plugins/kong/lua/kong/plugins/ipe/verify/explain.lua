-- Rules 16 to 18: the source trees of the conditions, that every routine has a use, and the constants of the policies'
-- rows, since a leaf's routine takes them from the policy that the leaf belongs to.
local column_problem = require("kong.plugins.ipe.verify.instructions").column_problem
local K = require("kong.plugins.ipe.gen.constants")
local refuse = require("kong.plugins.ipe.verify.refusal").refuse

-- Words of a node.
local TEXT, LINE, COLUMN, ROUTINE, FIRST_READ = 3, 4, 5, 6, 7
-- Owner of a node that is another node's child, until the policy is known.
local SOME_NODE = -2

local function kind_of(t, i)
  local kind = K.NODE_NAMES[t.nodes:word(i, 0)]
  if kind == nil then refuse(t.nodes:at(i), "unknown kind " .. t.nodes:word(i, 0)) end
  return kind
end

-- First child and their number.
local function child_range(t, i)
  local rows = t.nodes
  local kind = kind_of(t, i)
  local count, first = rows:word(i, 1), rows:word(i, 2)
  if kind == "leaf" then
    if count ~= 0 then refuse(rows:at(i), "a leaf with " .. count .. " children") end
    if first ~= 0 then refuse(rows:at(i), "a leaf whose first child is " .. first .. ", not 0") end
    return first, count
  end
  if (kind == "not" and count ~= 1) or (kind ~= "not" and count < 2) then
    refuse(rows:at(i), "`" .. kind .. "` with " .. count .. " children")
  end
  if first <= i then refuse(rows:at(i), "its first child " .. first .. " does not stand behind it") end
  if first + count > rows.count then
    refuse(rows:at(i), "its children end at " .. first + count .. ", there are " .. rows.count .. " nodes")
  end
  return first, count
end

-- Children stand behind their parent, so there are no circles. Ranges that overlap could be far longer together than the
-- bundle: that is refused at the first node with two parents.
local function mark_children(t, owners)
  for i = 0, t.nodes.count - 1 do
    local first, count = child_range(t, i)
    for child = first, first + count - 1 do
      if owners[child] then refuse(t.nodes:at(child), "it has two parents") end
      owners[child] = SOME_NODE
    end
  end
end

local function take_root(t, owners, row, column, routine)
  local rows = t.explain_rows
  local node = rows:index_or_none(row, column, "node", t.nodes.count)
  if (node == -1) ~= (routine == -1) then
    refuse(rows:at(row), node == -1 and "a condition without its tree" or "a tree without its condition")
  end
  if node == -1 then return end
  if owners[node] then refuse(t.nodes:at(node), "it has two parents") end
  owners[node] = row
end

local function check_place(t, i, kind)
  local rows = t.nodes
  local inner = kind == "and" or kind == "or"
  local text = rows:index_or_none(i, TEXT, "text", t.texts.count)
  if inner ~= (text == -1) then
    refuse(rows:at(i), inner and "`" .. kind .. "` with a text" or "a `" .. kind .. "` without a text")
  end
  local line, column = rows:word(i, LINE), rows:word(i, COLUMN)
  local wrong
  if inner then wrong = line ~= 0 or column ~= 0 else wrong = line == 0 or column == 0 end
  if wrong then refuse(rows:at(i), "a `" .. kind .. "` at line " .. line .. ", column " .. column) end
end

-- Returns where the next node's reads start.
local function check_reads(t, i, kind, next_one, cells)
  local stop = t.nodes:next_range(i, FIRST_READ, next_one, t.reads)
  if stop > next_one and (kind == "and" or kind == "or") then refuse(t.nodes:at(i), "`" .. kind .. "` with reads") end
  for r = next_one, stop - 1 do
    t.reads:index(r, 0, "cell", cells)
    t.reads:index(r, 1, "string", t.strings.count)
  end
  return stop
end

-- From the last to the first, so that children are there before their parent and no recursion is needed.
local function check_heights(t)
  local heights = {}
  for i = t.nodes.count - 1, 0, -1 do
    local first, count = child_range(t, i)
    local height = 1
    for child = first, first + count - 1 do height = math.max(height, 1 + heights[child]) end
    if height > K.LIMIT_EXPLAIN_DEPTH_MAX then
      refuse(t.nodes:at(i), "conditions nested deeper than " .. K.LIMIT_EXPLAIN_DEPTH_MAX)
    end
    heights[i] = height
  end
end

-- The row of one policy against a routine that takes constants from it. `columns`: how many each policy's routines name.
local function check_row(t, policies, columns, code, facts, routine, index)
  local uses = code.column_uses[routine]
  if uses == nil then return end
  local policy = policies[index + 1]
  local count = policy.row_end - policy.row
  for _, use in ipairs(uses) do
    if use.column >= count then
      refuse(use.where, "column " .. use.column .. " does not exist, policies entry " .. index .. " has " .. count)
    end
    local problem = column_problem(use, t.rows:word(policy.row + use.column, 0), facts)
    if problem then refuse(t.rows:at(policy.row + use.column), use.info.name .. ": " .. problem) end
    if use.column >= (columns[index] or 0) then columns[index] = use.column + 1 end
  end
end

-- Rules 16 to 18. `cells`: of the global frame.
return function(t, policies, code, facts, cells)
  local nodes = t.nodes
  if t.explain_rows.count ~= #policies then
    refuse("explain", t.explain_rows.count .. " rows for " .. #policies .. " policies")
  end
  local owners, used, columns = {}, {}, {}
  mark_children(t, owners)
  for i, policy in ipairs(policies) do
    take_root(t, owners, i - 1, 0, policy.trigger)
    take_root(t, owners, i - 1, 1, policy.requirement)
  end
  for i = 0, nodes.count - 1 do
    if owners[i] == nil then refuse(nodes:at(i), "it belongs to no tree") end
  end
  local function use(routine, policy)
    if routine == -1 then return end
    used[routine] = true
    check_row(t, policies, columns, code, facts, routine, policy)
  end
  for i, policy in ipairs(policies) do
    use(policy.trigger, i - 1)
    use(policy.requirement, i - 1)
  end
  local next_read = 0
  for i = 0, nodes.count - 1 do
    local kind = kind_of(t, i)
    local first, count = child_range(t, i)
    -- INVARIANT: parents stand in front of their children, so a node's owner is a policy when it is reached.
    for child = first, first + count - 1 do owners[child] = owners[i] end
    local routine = nodes:index_or_none(i, ROUTINE, "routine", t.routines.count)
    if (kind == "leaf") ~= (routine ~= -1) then
      refuse(nodes:at(i), kind == "leaf" and "a leaf without a routine" or "`" .. kind .. "` with a routine")
    end
    use(routine, owners[i])
    check_place(t, i, kind)
    next_read = check_reads(t, i, kind, next_read, cells)
  end
  t.reads:all_used(next_read)
  check_heights(t)
  for routine = 0, t.routines.count - 1 do
    if not used[routine] then refuse(t.routines:at(routine), "nothing uses it") end
  end
  for i, policy in ipairs(policies) do
    local count, named = policy.row_end - policy.row, columns[i - 1] or 0
    if count ~= named then
      refuse("policies entry " .. i - 1, "it has " .. count .. " constants, its routines name " .. named)
    end
  end
end
