-- A bundle, ready to judge requests. One engine judges one request at a time, from start to end: nothing in it waits.
local cells_of = require("kong.plugins.ipe.request.cells")
local decide = require("kong.plugins.ipe.runtime.decide")
local load_bundle = require("kong.plugins.ipe.load")
local loader_of = require("kong.plugins.ipe.request.load")
local neutral = require("kong.plugins.ipe.request.neutral")
local translate = require("kong.plugins.ipe.runtime.translate")

local Engine = {}
Engine.__index = Engine

local M = { undelivered = neutral.undelivered }

local function read_slots(program)
  local read = {}
  for _, slot in ipairs(program.slots) do
    if slot.read then read[#read + 1] = { source = slot.source, name = slot.name, argument = slot.argument } end
  end
  return read
end

local function prepare(program, piece_max)
  local cells = cells_of.new()
  -- From the start as long as the global frame, so that LuaJIT keeps lists and no hash tables.
  for cell = 0, program.cells + program.temporaries do
    cells.state[cell], cells.value[cell], cells.length[cell] = cells_of.ABSENT, 0, 0
  end
  local loader = loader_of.new(program, cells)
  return setmetatable({
    -- `sha256:` and 64 hex digits: the bundle's name.
    digest = program.digest,
    -- Some policy reads the body: the host must deliver it.
    reads_body = program.reads_body,
    -- Some policy has limits: the host must take what a decision's `limits` say.
    has_limits = program.has_limits,
    -- The slots that some policy reads: { source = , name = , argument = }. What nobody reads need not be delivered.
    reads = read_slots(program),
    -- Names of the headers that are looked at, in lower case: a set. Lines of others need not be delivered.
    header_names_read = loader.headers.read,
    -- Request headers that some policy may set: clients' copies are always stripped (`_` counts as `-`).
    header_names = program.header_names,
    -- Likewise query parameters, whose names count with case.
    query_names = program.query_names,
    loader = loader,
    decider = decide.new(program, cells, translate.new(program, cells, piece_max)),
  }, Engine)
end

-- Verifies a bundle, a string of bytes, and makes it ready. Returns the engine, or nil and why the bundle is refused. Never
-- raises an error. `piece_max`: for tests, see runtime/translate.lua.
function M.new(bundle, piece_max)
  local program, refusal = load_bundle(bundle)
  if program == nil then return nil, refusal end
  local ok, made = pcall(prepare, program, piece_max)
  if ok then return made end
  return nil, "internal fault while translating the bundle: " .. tostring(made)
end

-- The decision about a neutral request (request/neutral.lua); see runtime/decide.lua.
function Engine:decide(request) return self.decider:decide(self.loader:load(request)) end

-- Outcomes of all policies about the request that was judged last, in order.
function Engine:outcomes() return self.decider:outcomes() end

return M
