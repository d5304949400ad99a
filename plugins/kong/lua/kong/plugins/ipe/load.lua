-- From the bytes of a bundle to a verified program. This is the only door: what comes out satisfies every rule of
-- docs/bytecode.md, "Verification", so nothing behind it checks an index, an offset or a type again.
local bytes_of = require("kong.plugins.ipe.bytes")
local bit = require("bit")
local check_explain = require("kong.plugins.ipe.verify.explain")
local check_structure = require("kong.plugins.ipe.verify.structure")
local container = require("kong.plugins.ipe.verify.container")
local instructions = require("kong.plugins.ipe.verify.instructions")
local K = require("kong.plugins.ipe.gen.constants")
local obligations_of = require("kong.plugins.ipe.verify.obligations")
local policies_of = require("kong.plugins.ipe.verify.policies")
local reads = require("kong.plugins.ipe.verify.reads")
local refusal = require("kong.plugins.ipe.verify.refusal")
local resources_of = require("kong.plugins.ipe.verify.resources")
local slots_of = require("kong.plugins.ipe.verify.slots")
local types = require("kong.plugins.ipe.verify.types")
local values = require("kong.plugins.ipe.verify.values")

local band, rshift = bit.band, bit.rshift

local function rows_of(t)
  local rows = {}
  for i = 0, t.rows.count - 1 do rows[i] = t.rows:word(i, 0) end
  return rows
end

-- Kinds of what policies do by which clients' copies are stripped.
local REQUEST_HEADERS =
  { [K.OBLIGATION_SET_REQUEST_HEADER] = true, [K.OBLIGATION_APPEND_REQUEST_HEADER] = true }
local QUERY_PARAMETERS = { [K.OBLIGATION_SET_QUERY_PARAMETER] = true }

-- Names that some policy may set by one of these kinds, each once, sorted.
local function names_set(policies, kinds)
  local names, seen = {}, {}
  for _, policy in ipairs(policies) do
    for _, action in ipairs(policy.actions or {}) do
      if kinds[action.kind] and not seen[action.name] then
        seen[action.name] = true
        names[#names + 1] = action.name
      end
    end
  end
  table.sort(names)
  return names
end

-- Whether something is counted, and the cells by which it is, or whose values stand in texts, a set.
local function named_in(obligations)
  local has_limits, cells = false, {}
  for _, obligation in pairs(obligations) do
    has_limits = has_limits or obligation.kind == K.OBLIGATION_LIMIT
    if obligation.cell then cells[obligation.cell] = true end
  end
  return has_limits, cells
end

-- The rules in the page's order.
local function verify(bytes)
  container.check_head(bytes)
  local sections = container.read_sections(bytes)
  local t = container.read_tables(bytes, sections)
  local constants = values.read(t)
  local enums = types.read_enums(t, constants.strings)
  local shapes = types.read_shapes(t, constants.strings)
  local slots, cells = slots_of.read(t, constants, enums, shapes)
  local maps = slots_of.read_maps(t, constants, enums, shapes)
  local resources = resources_of.read(t, constants.strings, enums[0].count)
  local facts = {
    constants = constants,
    enums = enums,
    slots = slots,
    maps = maps,
    map_count = t.maps.count,
    set_count = t.sets.count,
    schedule_count = t.schedules.count,
    automaton_count = t.automata.count,
  }
  local code = instructions.read(t, facts)
  check_structure(code)
  local obligations = obligations_of.read(t, constants, slots, enums)
  local has_limits, named = named_in(obligations)
  local time_cell = reads.check(t, slots, code, named)
  local features = bytes_of.u32(bytes, K.HEADER_FEATURES)
  reads.check_features(features, slots, code, has_limits)
  local policy_sets = policies_of.read_sets(t, constants, slots)
  local policies = policies_of.read(t, constants, obligations)
  check_explain(t, policies, code, facts, cells)
  return {
    digest = container.digest_text(bytes),
    path_mode = rshift(bytes_of.u32(bytes, K.HEADER_FLAGS), K.PATH_MODE_SHIFT),
    default_allow = band(bytes_of.u32(bytes, K.HEADER_FLAGS), K.FLAG_DEFAULT_ALLOW) ~= 0,
    reads_body = band(features, K.FEATURE_BODY) ~= 0,
    constants = constants,
    enums = enums,
    slots = slots,
    -- Cells of the global frame, and how many behind them hold computed values: each depth has its own.
    cells = cells,
    temporaries = code.computes and K.LIMIT_TEMPORARIES_MAX * (K.LIMIT_FRAME_DEPTH_MAX + 1) or 0,
    time_cell = time_cell,
    maps = maps,
    resources = resources,
    code = code,
    rows = rows_of(t),
    policy_sets = policy_sets,
    policies = policies,
    header_names = names_set(policies, REQUEST_HEADERS),
    query_names = names_set(policies, QUERY_PARAMETERS),
    has_limits = has_limits,
  }
end

-- Returns the program, or nil and why the bundle is refused: the section, the entry and the broken rule, for the
-- operator's log. Never raises an error.
return function(bytes)
  if type(bytes) ~= "string" then return nil, "header: this is no bundle" end
  local ok, result = pcall(verify, bytes)
  if ok then return result end
  -- An error of another kind is our own fault, for which a host must not fall either: the bundle in force stays.
  return nil, refusal.text_of(result) or ("internal fault while checking the bundle: " .. tostring(result))
end
