-- One request to the cells of one program (docs/request.md). Everything that depends on the program alone is prepared once.
local body_of = require("kong.plugins.ipe.request.body")
local builtins = require("kong.plugins.ipe.request.builtins")
local cells_of = require("kong.plugins.ipe.request.cells")
local headers_of = require("kong.plugins.ipe.request.headers")
local load_cookies = require("kong.plugins.ipe.request.cookies")
local query_of = require("kong.plugins.ipe.request.query")
local resources_of = require("kong.plugins.ipe.request.resources")
local target_of = require("kong.plugins.ipe.request.target")
local undelivered = require("kong.plugins.ipe.request.neutral").undelivered
local values = require("kong.plugins.ipe.request.values")

local ABSENT, INVALID = cells_of.ABSENT, cells_of.INVALID
local REQUEST_ID_HEADER = "x-request-id"

local Loader = {}
Loader.__index = Loader

local M = {}

-- Slots that are read, by source; builtins also by name.
local function sorted_slots(program)
  local by_source = { builtin = {}, header = {}, query = {}, cookie = {}, capture = {}, body = {}, extension = {} }
  local by_name, defaults = {}, {}
  for _, slot in ipairs(program.slots) do
    if slot.read then
      local own = by_source[slot.source]
      own[#own + 1] = slot
      if slot.source == "builtin" then by_name[slot.name] = slot end
      if slot.has_default then defaults[#defaults + 1] = slot end
    end
  end
  return by_source, by_name, defaults
end

local function names_of(slots)
  local names = {}
  for _, slot in ipairs(slots) do names[slot.argument] = true end
  return names
end

-- Header slots with the names of their headers, and all names that are read. `request.id` is read as if it were declared
-- from its header.
local function header_slots(by_source, by_name)
  local own, names = {}, {}
  for _, slot in ipairs(by_source.header) do own[#own + 1] = { slot = slot, name = slot.argument } end
  if by_name["request.id"] then own[#own + 1] = { slot = by_name["request.id"], name = REQUEST_ID_HEADER } end
  for i, entry in ipairs(own) do names[i] = entry.name end
  if #by_source.cookie > 0 then names[#names + 1] = "cookie" end
  if #by_source.body > 0 then
    names[#names + 1] = "content-type"
    names[#names + 1] = "content-encoding"
  end
  return own, names
end

-- `cells` are overwritten by every request.
function M.new(program, cells)
  local by_source, by_name, defaults = sorted_slots(program)
  local own, names = header_slots(by_source, by_name)
  local reads_resource = by_name["resource.type"] or #by_source.capture > 0
  return setmetatable({
    cells = cells,
    -- With those of computed values: elements of lists stand behind them.
    cell_count = program.cells + program.temporaries,
    enums = program.enums,
    builtins = builtins.of(by_source.builtin),
    by_name = by_name,
    path_mode = program.path_mode,
    header_slots = own,
    headers = headers_of.new(names),
    cookie_slots = by_source.cookie,
    cookie_names = names_of(by_source.cookie),
    query_slots = by_source.query,
    query_names = names_of(by_source.query),
    resources = reads_resource and resources_of.new(program, by_source.capture) or nil,
    body = #by_source.body > 0 and body_of.new(cells, program.enums, by_source.body) or nil,
    extensions = by_source.extension,
    defaults = defaults,
  }, Loader)
end

-- A text that is valid, or nil for one that is not.
function Loader:load_text(name, text)
  local slot = self.by_name[name]
  if slot == nil then return end
  if text then
    values.read_text(self.cells, self.enums, slot.shape, slot.cell, text)
  else
    self.cells.state[slot.cell] = INVALID
  end
end

-- Path, query, query parameters, resource and captures. Returns the path, or nil where it is invalid.
function Loader:load_target(request, method)
  local cells = self.cells
  local path, decoded, query, has_query = target_of.read_target(request.target, self.path_mode)
  self:load_text("request.path", path)
  self:load_text("request.query", query)
  if query == nil then
    query_of.refuse(cells, self.query_slots)
  elseif has_query and #self.query_slots > 0 then
    query_of.load(cells, self.enums, self.query_slots, self.query_names, query)
  end
  if self.resources then
    local slot = self.by_name["resource.type"]
    if method and path then
      local member = self.resources:load(cells, self.enums, method, decoded)
      if slot then cells:set(slot.cell, member) end
    else
      self.resources:refuse(cells)
      if slot then cells.state[slot.cell] = INVALID end
    end
  end
  return path
end

-- Returns false where there is a host and it is invalid.
function Loader:load_host(request)
  if request.host == nil then return true end
  local host = target_of.read_host(request.host)
  self:load_text("request.host", host)
  return host ~= nil
end

function Loader:load_extension(request, slot)
  local cells, extensions = self.cells, request.extensions
  local text = undelivered
  if type(extensions) == "table" and extensions ~= undelivered then text = extensions[slot.argument] end
  if text == nil then return end
  if type(text) ~= "string" then
    cells:invalidate(slot.shape, slot.cell)
  elseif slot.shape.element then
    values.begin_list(cells, slot.cell)
    values.split_list(cells, self.enums, slot, ",", text)
  else
    values.read_text(cells, self.enums, slot.shape, slot.cell, text)
  end
end

-- Fills the cells of the slots that the program reads; all others stay absent. Returns whether method, path and host are
-- sound; a host that is missing is.
function Loader:load(request)
  local cells = self.cells
  cells:reset(self.cell_count)
  local method = target_of.read_method(request.method)
  self:load_text("request.method", method)
  local path = self:load_target(request, method)
  local host_is_sound = self:load_host(request)
  builtins.load(cells, self.enums, self.builtins, request)
  self.headers:load(request)
  for _, entry in ipairs(self.header_slots) do self.headers:load_slot(cells, self.enums, entry.slot, entry.name) end
  if #self.cookie_slots > 0 then
    load_cookies(cells, self.enums, self.headers, self.cookie_slots, self.cookie_names)
  end
  if self.body then self.body:load(request, self.headers) end
  for _, slot in ipairs(self.extensions) do self:load_extension(request, slot) end
  for _, slot in ipairs(self.defaults) do
    if cells.state[slot.cell] == ABSENT then cells:set(slot.cell, slot.default) end
  end
  return method ~= nil and path ~= nil and host_is_sound
end

return M
