-- Rule 9: path patterns, in the order in which they are tried.
local bytes_of = require("kong.plugins.ipe.bytes")
local K = require("kong.plugins.ipe.gen.constants")
local remembered = require("kong.plugins.ipe.verify.remembered")
local refusal = require("kong.plugins.ipe.verify.refusal")

local refuse, shown = refusal.refuse, refusal.shown
local LITERAL, CAPTURE, REST = K.SEGMENT_LITERAL, K.SEGMENT_CAPTURE, K.SEGMENT_REST
-- By kind: a capture is as specific as `*`.
local RANKS = { [0] = 0, [1] = 1, [2] = 1, [3] = 2 }
local RANK_OF_REST = 2

local M = {}

local function is_impossible(text) return text == "" or text == "." or text == ".." or text:find("/", 1, true) ~= nil end

local function read_segments(t, strings, first, stop, impossible)
  local rows = t.segments
  local segments, captures = {}, {}
  local rest = false
  for i = first, stop - 1 do
    local kind = rows:word(i, 0)
    if K.SEGMENT_NAMES[kind] == nil then refuse(rows:at(i), "unknown kind " .. kind) end
    local text
    if kind ~= LITERAL and kind ~= CAPTURE then
      if rows:word(i, 1) ~= K.NONE then refuse(rows:at(i), "a wildcard has no text") end
      if kind == REST and rest then refuse(rows:at(i), "a second `**`") end
      rest = rest or kind == REST
    else
      text = strings[rows:index(i, 1, "string", t.strings.count)]
      if kind == CAPTURE then
        if text == "" then refuse(rows:at(i), "the name of the capture is empty") end
        if captures[text] then refuse(rows:at(i), shown(text) .. " is captured twice") end
        captures[text] = true
      elseif impossible(text) then
        refuse(rows:at(i), "no valid path has the segment " .. shown(text))
      end
    end
    segments[#segments + 1] = { kind = kind, text = text }
  end
  return segments, rest
end

-- Of the kinds alone: below 0 where `a` is tried first, 0 where they are the same. Where one pattern ends it comes before
-- the `**` of the other; behind a `**` the pattern that goes on comes first.
local function compare_kinds(a, b)
  local i, rest = 1, false
  while a[i] and b[i] and RANKS[a[i].kind] == RANKS[b[i].kind] do
    rest = rest or RANKS[a[i].kind] == RANK_OF_REST
    i = i + 1
  end
  if not a[i] and not b[i] then return 0 end
  if a[i] and b[i] then return RANKS[a[i].kind] - RANKS[b[i].kind] end
  local a_ends = not a[i]
  return rest ~= a_ends and -1 or 1
end

-- Places of the literals and methods in the order of their bytes, so that no long text is compared again and again.
local function ranks_by_bytes(resources)
  local texts, ranks = {}, {}
  local function add(text)
    if text and not ranks[text] then
      ranks[text] = 0
      texts[#texts + 1] = text
    end
  end
  for _, resource in ipairs(resources) do
    add(resource.method)
    for _, segment in ipairs(resource.segments) do
      if segment.kind == LITERAL then add(segment.text) end
    end
  end
  table.sort(texts)
  for rank, text in ipairs(texts) do ranks[text] = rank end
  return ranks
end

-- Below 0 where `a` is tried before `b`, 0 where they match the same requests.
local function compare_specificity(a, b, ranks)
  local kinds = compare_kinds(a.segments, b.segments)
  if kinds ~= 0 then return kinds end
  if (a.method == nil) ~= (b.method == nil) then return a.method == nil and 1 or -1 end
  for i, segment in ipairs(a.segments) do
    local other = b.segments[i]
    if segment.kind == LITERAL and segment.text ~= other.text then return ranks[segment.text] - ranks[other.text] end
  end
  return a.method == nil and 0 or ranks[a.method] - ranks[b.method]
end

-- Rule 9. A resource has `member`, `method` (nil for any), `segments` and `rest`, whether one of them is `**`.
function M.read(t, strings, members)
  local rows, segment_rows = t.resources, t.segments
  if rows.count ~= members then
    refuse("resources", rows.count .. " entries for " .. members .. " members of `resource.type`")
  end
  local seen, resources = {}, {}
  local is_token, impossible = remembered(bytes_of.is_token), remembered(is_impossible)
  local next_one = 0
  for i = 0, rows.count - 1 do
    local where = rows:at(i)
    local member = rows:index(i, 0, "resource", members)
    if seen[member] then refuse(where, "a second entry for member " .. member) end
    seen[member] = true
    local method = rows:index_or_none(i, 1, "string", t.strings.count)
    if method ~= -1 and not is_token(strings[method]) then
      refuse(where, shown(strings[method]) .. " is not a method")
    end
    local first = next_one
    next_one = rows:next_range(i, 2, first, segment_rows)
    local segments, rest = read_segments(t, strings, first, next_one, impossible)
    resources[i + 1] = { member = member, method = strings[method], segments = segments, rest = rest }
  end
  segment_rows:all_used(next_one)
  local ranks = ranks_by_bytes(resources)
  for i = 2, #resources do
    if compare_specificity(resources[i - 1], resources[i], ranks) >= 0 then
      refuse(rows:at(i - 1), "it is not less specific than the one before it")
    end
  end
  return resources
end

return M
