-- Which declared resource a path is, and its captures (docs/request.md, section 3).
local K = require("kong.plugins.ipe.gen.constants")
local read_text = require("kong.plugins.ipe.request.values").read_text

local find, sub = string.find, string.sub
local LITERAL, CAPTURE, REST = K.SEGMENT_LITERAL, K.SEGMENT_CAPTURE, K.SEGMENT_REST

local Resources = {}
Resources.__index = Resources

local M = {}

-- `captures`: the slots that are read from captures.
function M.new(program, captures)
  local most = 0
  for _, resource in ipairs(program.resources) do most = math.max(most, #resource.segments) end
  return setmetatable({
    resources = program.resources,
    -- By number of a path's segments; `most` and one stands for any greater number.
    by_count = {},
    most = most,
    captures = captures,
    segments = {},
    count = 0,
  }, Resources)
end

-- Patterns that fit a number of segments, in the order of the program: most specific first. Made when first needed.
function Resources:fitting(count)
  local key = math.min(count, self.most + 1)
  local fitting = self.by_count[key]
  if fitting then return fitting end
  fitting = {}
  for _, resource in ipairs(self.resources) do
    local own = #resource.segments
    if own == key or (resource.rest and key >= own - 1) then fitting[#fitting + 1] = resource end
  end
  self.by_count[key] = fitting
  return fitting
end

-- Splits the path, which starts with `/`; one slash at the end is no segment.
function Resources:split(path)
  local segments, count, from = self.segments, 0, 2
  while from <= #path do
    local stop = find(path, "/", from, true) or #path + 1
    count = count + 1
    segments[count] = sub(path, from, stop - 1)
    from = stop + 1
  end
  self.count = count
end

-- Place in the path of segment `at` of a pattern that matches it.
local function place_in(resource, at, count)
  if not resource.rest then return at end
  for i, segment in ipairs(resource.segments) do
    if segment.kind == REST then return at < i and at or at + count - #resource.segments end
  end
end

local function matches(resource, segments, count)
  local place = 1
  for at, segment in ipairs(resource.segments) do
    local kind = segment.kind
    if kind == REST then
      -- INVARIANT: patterns are tried on paths with enough segments, so what is left behind `**` is not negative.
      place = count - (#resource.segments - at) + 1
    else
      -- A capture is never empty, and no more is a `*`; some path modes leave empty segments.
      if kind == LITERAL and segment.text ~= segments[place] then return false end
      if segments[place] == "" then return false end
      place = place + 1
    end
  end
  return true
end

-- Matches a valid method and a valid, decoded path; loads the captures. Returns the member of enum 0, or -1.
function Resources:load(cells, enums, method, path)
  self:split(path)
  local segments, count = self.segments, self.count
  for _, resource in ipairs(self:fitting(count)) do
    if (resource.method == nil or resource.method == method) and matches(resource, segments, count) then
      for _, slot in ipairs(self.captures) do
        for at, segment in ipairs(resource.segments) do
          if segment.kind == CAPTURE and segment.text == slot.argument then
            read_text(cells, enums, slot.shape, slot.cell, segments[place_in(resource, at, count)])
          end
        end
      end
      return resource.member
    end
  end
  return -1
end

-- Method or path is invalid: so are all captures.
function Resources:refuse(cells)
  for _, slot in ipairs(self.captures) do cells:invalidate(slot.shape, slot.cell) end
end

return M
