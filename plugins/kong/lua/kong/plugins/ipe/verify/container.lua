-- Rules 1 to 3: the header, the section table with its hashes, and what every section's counts demand.
local bit = require("bit")
local bytes_of = require("kong.plugins.ipe.bytes")
local K = require("kong.plugins.ipe.gen.constants")
local refuse = require("kong.plugins.ipe.verify.refusal").refuse
local section_rows = require("kong.plugins.ipe.verify.section_rows")
local sha256 = require("kong.plugins.ipe.sha256")

local u16, u32 = bytes_of.u16, bytes_of.u32
local sub, find = string.sub, string.find
local band, bnot, rshift = bit.band, bit.bnot, bit.rshift

local HASH_BYTES = 32
local TABLE_END = K.HEADER_BYTES + K.SECTION_COUNT * K.SECTION_ENTRY_BYTES
local FEATURES = K.FEATURE_BODY + K.FEATURE_AGGREGATES + K.FEATURE_NETWORKS + K.FEATURE_COMPUTING + K.FEATURE_LIMITS
-- States, classes and start of an automaton.
local AUTOMATON_ROW_BYTES = 12

local M = {}

local function say(what) refuse("header", what) end

-- Rule 1.
function M.check_head(bytes)
  local length = #bytes
  if length > K.LIMIT_FILTER_BUNDLE_BYTES_MAX then
    say("the bundle has " .. length .. " bytes, the limit is " .. K.LIMIT_FILTER_BUNDLE_BYTES_MAX)
  end
  if length < 4 or u32(bytes, K.HEADER_MAGIC) ~= K.MAGIC then
    say("this is no bundle, it does not start with `IPE` and a zero byte")
  end
  if length < TABLE_END then
    say("the bundle has " .. length .. " bytes, header and section table alone take " .. TABLE_END .. "; it is cut off")
  end
  if length % 4 ~= 0 then
    say("the bundle has " .. length .. " bytes, which is no multiple of 4; it is cut off or something was added")
  end
  local format = u16(bytes, K.HEADER_FORMAT_VERSION)
  if format ~= K.FORMAT_VERSION then
    say("format version " .. format .. " is not " .. K.FORMAT_VERSION .. "; compile the policy with the version that loads it")
  end
  local semantics = u16(bytes, K.HEADER_SEMANTICS_VERSION)
  if semantics ~= K.SEMANTICS_VERSION then
    say("semantics version " .. semantics .. " is not " .. K.SEMANTICS_VERSION .. "; compile the policy with the version that loads it")
  end
  local features = u32(bytes, K.HEADER_FEATURES)
  if band(features, bnot(FEATURES)) ~= 0 then say(("unknown bit in the features 0x%x"):format(features)) end
  local flags = u32(bytes, K.HEADER_FLAGS)
  if rshift(flags, K.PATH_MODE_SHIFT) > K.PATH_DECODE_AND_MERGE_SLASHES then
    say(("unknown bit or path mode in the flags 0x%x"):format(flags))
  end
  local total = u32(bytes, K.HEADER_TOTAL_BYTES)
  if total ~= length then
    say("the bundle has " .. length .. " bytes and says " .. total .. "; it is cut off or something was added")
  end
  local sections = u32(bytes, K.HEADER_SECTION_COUNT)
  if sections ~= K.SECTION_COUNT then say(sections .. " sections instead of " .. K.SECTION_COUNT) end
  local body = u32(bytes, K.HEADER_BODY_BYTES_MAX)
  if body ~= K.LIMIT_BODY_BYTES_MAX then say("body limit " .. body .. " is not " .. K.LIMIT_BODY_BYTES_MAX) end
  local elements = u32(bytes, K.HEADER_LIST_ELEMENTS_MAX)
  if elements ~= K.LIMIT_LIST_ELEMENTS_MAX then
    say("list limit " .. elements .. " is not " .. K.LIMIT_LIST_ELEMENTS_MAX)
  end
end

-- Of the header and the hashes of all sections.
local function digest_of(bytes)
  local parts = {
    K.DIGEST_DOMAIN,
    sub(bytes, 1, K.HEADER_TOTAL_BYTES),
    sub(bytes, K.HEADER_BODY_BYTES_MAX + 1, K.HEADER_DIGEST),
  }
  for i = 0, K.SECTION_COUNT - 1 do
    local entry = K.HEADER_BYTES + i * K.SECTION_ENTRY_BYTES
    parts[#parts + 1] = sub(bytes, entry + 1, entry + 4)
    parts[#parts + 1] = sub(bytes, entry + K.SECTION_ENTRY_HASH + 1, entry + K.SECTION_ENTRY_BYTES)
  end
  return sha256(table.concat(parts))
end

-- Rule 2. Returns the sections by name.
function M.read_sections(bytes)
  local sections = {}
  local stop = TABLE_END
  for i, name in ipairs(K.SECTION_NAMES) do
    local entry = K.HEADER_BYTES + (i - 1) * K.SECTION_ENTRY_BYTES
    local where = "section table, " .. name
    local id = u32(bytes, entry + K.SECTION_ENTRY_ID)
    if id ~= i then refuse(where, "id " .. id .. " instead of " .. i) end
    local offset = u32(bytes, entry + K.SECTION_ENTRY_OFFSET)
    if offset ~= stop then refuse(where, "starts at byte " .. offset .. ", what stands before it ends at " .. stop) end
    local length = u32(bytes, entry + K.SECTION_ENTRY_LENGTH)
    if length % 4 ~= 0 then refuse(where, length .. " bytes is no multiple of 4") end
    stop = offset + length
    if stop > #bytes then refuse(where, "ends at byte " .. stop .. ", the bundle has " .. #bytes) end
    sections[i] = { name = name, offset = offset, length = length }
  end
  if stop ~= #bytes then
    refuse("section table", "the last section ends at byte " .. stop .. ", the bundle has " .. #bytes)
  end
  for i, section in ipairs(sections) do
    local hash = K.HEADER_BYTES + (i - 1) * K.SECTION_ENTRY_BYTES + K.SECTION_ENTRY_HASH
    if sha256(bytes, section.offset, section.length) ~= sub(bytes, hash + 1, hash + HASH_BYTES) then
      refuse("section table, " .. section.name, "the hash does not fit the bytes; the bundle was changed or damaged")
    end
  end
  if digest_of(bytes) ~= sub(bytes, K.HEADER_DIGEST + 1, K.HEADER_DIGEST + HASH_BYTES) then
    refuse("header", "the digest does not fit; the bundle was changed or damaged")
  end
  return sections
end

local function check_length(section, stop)
  local demanded = stop - section.offset
  if demanded ~= section.length then
    refuse(section.name, "it has " .. section.length .. " bytes, its counts demand " .. demanded)
  end
end

local function check_zeros(bytes, section, from, to)
  if find(sub(bytes, from + 1, to), "[^%z]") then refuse(section.name, "its padding is not zero") end
end

-- Arrays one after the other behind the section's leading words; together they are the whole section. Each is
-- { label, word that counts its rows, bytes of a row }.
local function read_arrays(bytes, section, words, ...)
  if section.length < words * 4 then
    refuse(section.name, section.length .. " bytes do not hold its " .. words .. " counts")
  end
  local stop = section.offset + words * 4
  local tables = {}
  for i, array in ipairs({ ... }) do
    local count = u32(bytes, section.offset + array[2] * 4)
    tables[i] = section_rows.new(array[1], bytes, stop, count, array[3])
    -- INVARIANT: at most three products below 2^38, so the sum is exact in a double.
    stop = stop + count * array[3]
  end
  check_length(section, stop)
  return unpack(tables)
end

-- A count, so many words, and bytes behind them.
local function read_counted(bytes, section, label)
  if section.length < 4 then refuse(section.name, section.length .. " bytes do not hold its count") end
  local count = u32(bytes, section.offset)
  local bytes_at = section.offset + 4 + count * 4
  if bytes_at > section.offset + section.length then check_length(section, bytes_at) end
  return section_rows.new(label, bytes, section.offset + 4, count, 4), bytes_at
end

-- The section ends with the bytes that end at `stop`, and zeros up to a multiple of four.
local function check_padded(bytes, section, stop)
  local padded = math.ceil(stop / 4) * 4
  check_length(section, padded)
  check_zeros(bytes, section, stop, padded)
end

local function read_strings(bytes, section)
  local rows, bytes_at = read_counted(bytes, section, "strings entry")
  local stop, bytes_end = bytes_at, section.offset + section.length
  -- Ends at the first length that passes the section, so the sum stays exact.
  for i = 0, rows.count - 1 do
    if stop > bytes_end then break end
    stop = stop + rows:word(i, 0)
  end
  check_padded(bytes, section, stop)
  return rows, bytes_at
end

-- Of the ends only the last counts here; whether they ascend is seen with rule 4.
local function read_texts(bytes, section)
  local rows, bytes_at = read_counted(bytes, section, "texts entry")
  check_padded(bytes, section, bytes_at + (rows.count == 0 and 0 or rows:word(rows.count - 1, 0)))
  return rows, bytes_at
end

-- Classes of the bytes and rows of one automaton, without padding.
function M.automaton_bytes(states, classes) return 256 + states * (classes + 1) * 2 end

local function read_automata(bytes, section)
  if section.length < 4 then refuse(section.name, section.length .. " bytes do not hold its count") end
  local count = u32(bytes, section.offset)
  local rows = section_rows.new("automata entry", bytes, section.offset + 4, count, AUTOMATON_ROW_BYTES)
  local bytes_at = section.offset + 4 + count * AUTOMATON_ROW_BYTES
  local section_end = section.offset + section.length
  if bytes_at > section_end then check_length(section, bytes_at) end
  local stop = bytes_at
  -- Ends at the first one that passes the section, so the sum stays exact: one alone is below 2^65, which is no length.
  for i = 0, count - 1 do
    if stop > section_end then break end
    local own = M.automaton_bytes(rows:word(i, 0), rows:word(i, 1))
    local padded = math.ceil(own / 4) * 4
    if stop + padded <= section_end then check_zeros(bytes, section, stop + own, stop + padded) end
    stop = stop + padded
  end
  check_length(section, stop)
  return rows, bytes_at
end

-- Rule 3, with the second word of the numbers; the half words of the slots are seen with rule 8. Returns the tables of
-- all sections.
function M.read_tables(bytes, sections)
  local t = { bytes = bytes }
  t.strings, t.string_bytes_at = read_strings(bytes, sections[1])
  t.numbers = read_arrays(bytes, sections[2], 2, { "numbers entry", 0, 8 })
  if u32(bytes, sections[2].offset + 4) ~= 0 then refuse("numbers", "the word behind its count is not zero") end
  t.networks = read_arrays(bytes, sections[3], 1, { "networks entry", 0, 20 })
  t.sets, t.set_elements = read_arrays(bytes, sections[4], 2, { "sets entry", 0, 12 }, { "sets element", 1, 4 })
  t.automata, t.automata_at = read_automata(bytes, sections[5])
  t.enums, t.members = read_arrays(bytes, sections[6], 2, { "enums entry", 0, 16 }, { "enums member", 1, 4 })
  t.shapes, t.fields = read_arrays(bytes, sections[7], 2, { "shapes entry", 0, 12 }, { "shapes field", 1, 8 })
  t.slots = read_arrays(bytes, sections[8], 1, { "slots entry", 0, 20 })
  t.resources, t.segments =
    read_arrays(bytes, sections[9], 2, { "resources entry", 0, 16 }, { "resources segment", 1, 8 })
  t.routines, t.instructions =
    read_arrays(bytes, sections[10], 2, { "code routine", 0, 4 }, { "code instruction", 1, 8 })
  t.obligations = read_arrays(bytes, sections[11], 1, { "obligations entry", 0, 12 })
  t.policies, t.policy_sets =
    read_arrays(bytes, sections[12], 3, { "policies entry", 0, 68 }, { "policies set", 1, 4 })
  -- Slot index or none, not looked at yet.
  t.selector = u32(bytes, sections[12].offset + 8)
  t.metadata = read_arrays(bytes, sections[13], 1, { "metadata entry", 0, 8 })
  t.explain_rows, t.nodes, t.reads = read_arrays(
    bytes, sections[14], 3, { "explain policy", 2, 8 }, { "explain node", 0, 36 }, { "explain read", 1, 8 }
  )
  t.schedules, t.offsets =
    read_arrays(bytes, sections[15], 2, { "schedules entry", 0, 24 }, { "schedules offset", 1, 8 })
  t.texts, t.text_bytes_at = read_texts(bytes, sections[16])
  t.rows = read_arrays(bytes, sections[17], 1, { "rows entry", 0, 4 })
  t.maps, t.map_entries = read_arrays(bytes, sections[18], 2, { "maps entry", 0, 16 }, { "maps key", 1, 8 })
  return t
end

-- `sha256:` and 64 hex digits.
function M.digest_text(bytes)
  local digest = sub(bytes, K.HEADER_DIGEST + 1, K.HEADER_DIGEST + HASH_BYTES)
  return "sha256:" .. digest:gsub(".", function(c) return ("%02x"):format(c:byte()) end)
end

return M
