// Generated from core/bytecode/spec/bytecode.json by `npm run gen`. Do not edit.

/** `IPE` and a zero byte, as a little-endian u32. */
export const MAGIC = 4542537;
export const FORMAT_VERSION = 1;
export const SEMANTICS_VERSION = 1;
/** No index. */
export const NONE = 4294967295;
export const HEADER_BYTES = 64;
export const SECTION_ENTRY_BYTES = 44;
export const SECTION_COUNT = 18;
export const INSTRUCTION_BYTES = 8;
/** Bits of the header's flags below the path mode. */
export const PATH_MODE_SHIFT = 1;
/** Bits of a policy's flags below what becomes of its limits while nobody can count. */
export const LIMITER_FAILURE_SHIFT = 1;
export const DIGEST_DOMAIN = "ipe-bundle-digest-v1\n";

/** `IPE` and a zero byte. */
export const HEADER_MAGIC = 0;
/** Layout of the bytes. A runtime refuses every version but its own. */
export const HEADER_FORMAT_VERSION = 4;
/** Meaning of the instructions and of the mapping from requests to slots. */
export const HEADER_SEMANTICS_VERSION = 6;
/** Required-feature bits. The loader recomputes them and refuses a difference, or a bit it does not know. */
export const HEADER_FEATURES = 8;
/** Bit 0: `default allow`. Bits 1-3: what is done to paths, by id. */
export const HEADER_FLAGS = 12;
/** Length of the whole bundle; must equal the number of bytes given. */
export const HEADER_TOTAL_BYTES = 16;
/** Number of entries in the section table; all sections are present, in order. */
export const HEADER_SECTION_COUNT = 20;
/** Limit on a request body, in bytes; in this version it must equal the constant. */
export const HEADER_BODY_BYTES_MAX = 24;
/** Limit on the elements of one list; in this version it must equal the constant. */
export const HEADER_LIST_ELEMENTS_MAX = 28;
/** SHA-256 over the digest domain, header bytes 0-15 and 24-31, and the id (u32) and hash of every section in order. */
export const HEADER_DIGEST = 32;

/** Section id; ids ascend from 1 without a gap. */
export const SECTION_ENTRY_ID = 0;
/** Start in the bundle. The first section starts right behind the table, each other one where the one before ends. */
export const SECTION_ENTRY_OFFSET = 4;
/** Bytes, a multiple of 4. The last section ends where the bundle ends. */
export const SECTION_ENTRY_LENGTH = 8;
/** SHA-256 of the section's bytes. */
export const SECTION_ENTRY_HASH = 12;

/** A larger bundle is refused unread. */
export const LIMIT_BUNDLE_BYTES_MAX = 536870912;
/** The filter and the Lua runtime refuse a larger one: their memory is the proxy's. */
export const LIMIT_FILTER_BUNDLE_BYTES_MAX = 67108864;
/** A longer request body makes every body attribute invalid. */
export const LIMIT_BODY_BYTES_MAX = 262144;
/** A list with more elements is invalid (from a body: the whole body is). */
export const LIMIT_LIST_ELEMENTS_MAX = 256;
/** Cells of all lists of one body together; beyond it the body is invalid. */
export const LIMIT_CELLS_MAX = 65536;
/** Nesting of arrays and objects in a body; beyond it the body is invalid. */
export const LIMIT_JSON_DEPTH_MAX = 64;
/** Bytes in the spelling of one number that an attribute reads; a longer one is invalid. */
export const LIMIT_NUMBER_BYTES_MAX = 128;
/** Bytes in method, path with query, or host; beyond it that fact is invalid. */
export const LIMIT_PATH_BYTES_MAX = 16384;
/** Bytes in all field lines of one header that an attribute reads; beyond it the slot is invalid. */
export const LIMIT_HEADER_BYTES_MAX = 65536;
/** Aggregates inside one another; the compiler and the verifier refuse more. */
export const LIMIT_FRAME_DEPTH_MAX = 2;
/** Cells of one value (a record with its fields); the compiler and the verifier refuse more. */
export const LIMIT_SHAPE_WIDTH_MAX = 256;
/** Values that are computed for one test; the compiler and the verifier refuse more. */
export const LIMIT_TEMPORARIES_MAX = 8;
/** Tokens in one JSON pointer; the compiler and the verifier refuse more. */
export const LIMIT_POINTER_TOKENS_MAX = 32;
/** Nodes from the root of an explain tree to a leaf; the verifier refuses more, the parser far fewer. */
export const LIMIT_EXPLAIN_DEPTH_MAX = 1024;
/** Rows of one automaton; the compiler and the verifier refuse more. */
export const LIMIT_AUTOMATON_STATES_MAX = 4094;
/** Bytes of the rows of one automaton; the compiler and the verifier refuse more. */
export const LIMIT_AUTOMATON_BYTES_MAX = 262144;
/** Limits of one policy; the compiler and the verifier refuse more. */
export const LIMIT_LIMITS_MAX = 8;
/** Attributes that one limit counts by; the compiler and the verifier refuse more. */
export const LIMIT_LIMIT_KEYS_MAX = 4;
/** Tokens in the full bucket of a limit; the compiler and the verifier refuse more. */
export const LIMIT_LIMIT_BURST_MAX = 1000000;
/** Seconds until an empty bucket of a limit is full; the compiler and the verifier refuse more. */
export const LIMIT_LIMIT_FILL_SECONDS_MAX = 31622400;
/** Bytes of one text that a limit counts by; by a longer one nothing can be counted. */
export const LIMIT_LIMIT_KEY_BYTES_MAX = 256;
/** Values of attributes in one text of an obligation; the compiler and the verifier refuse more. */
export const LIMIT_PARTS_MAX = 8;
/** Bytes of one value in a text of an obligation; a longer one cannot be set, and a body leaves it out. */
export const LIMIT_PART_BYTES_MAX = 1024;
/** Bytes in the name of a query parameter or of a key of metadata that is set; the compiler and the verifier refuse more. */
export const LIMIT_TARGET_BYTES_MAX = 256;

/** Some slot that is read comes from the request body. */
export const FEATURE_BODY = 1;
/** The code holds an instruction with a list and a body: ANY, ALL, COUNT, TALLY, SUM, MIN, MAX. */
export const FEATURE_AGGREGATES = 2;
/** The code tests addresses or networks. */
export const FEATURE_NETWORKS = 4;
/** The code holds an instruction that computes. */
export const FEATURE_COMPUTING = 8;
/** Some policy has a limit: who cannot count must not allow. */
export const FEATURE_LIMITS = 16;

/** A request on which no policy has a word is allowed. */
export const FLAG_DEFAULT_ALLOW = 1;

/** What two programs could read differently is invalid. */
export const PATH_REJECT = 0;
/** Nothing: empty and dot segments are segments like others. */
export const PATH_NONE = 1;
/** Escapes of unreserved characters are decoded, `\` is `/`, dot segments are resolved. */
export const PATH_BASE = 2;
/** As `BASE`, then adjacent slashes are one. */
export const PATH_MERGE_SLASHES = 3;
/** As `MERGE_SLASHES`, with `%2F` and `%5C` decoded first. */
export const PATH_DECODE_AND_MERGE_SLASHES = 4;

/** The policy has no say at all when it has expired. */
export const POLICY_FLAG_OFF_WHEN_EXPIRED = 1;

/** Each host counts alone. */
export const LIMITER_FAILURE_LOCAL = 0;
/** The request is denied. */
export const LIMITER_FAILURE_DENY = 1;
/** The limit does not count. */
export const LIMITER_FAILURE_ALLOW = 2;

/** Some code reads the slot; only such slots are loaded. */
export const SLOT_READ = 1;
/** Declared with `?`. */
export const SLOT_OPTIONAL = 2;
/** Marked `claimed`. */
export const SLOT_CLAIMED = 4;
/** Marked `trusted`. */
export const SLOT_TRUSTED = 8;
/** A comma in a joined header value does not count as several lines. */
export const SLOT_VERBATIM = 16;
/** The field `default` holds a value, used when the slot is absent. */
export const SLOT_HAS_DEFAULT = 32;

export const TYPE_STRING = 0;
export const TYPE_INT = 1;
export const TYPE_FLOAT = 2;
export const TYPE_BOOL = 3;
export const TYPE_ENUM = 4;
export const TYPE_IP = 5;
export const TYPE_CIDR = 6;
export const TYPE_DATETIME = 7;
export const TYPE_DURATION = 8;
export const TYPE_LIST = 9;
export const TYPE_RECORD = 10;

/** argument = a builtin's id */
export const SOURCE_BUILTIN = 0;
/** argument = lower-case field name (string) */
export const SOURCE_HEADER = 1;
/** argument = decoded parameter name (string) */
export const SOURCE_QUERY = 2;
/** argument = cookie name (string) */
export const SOURCE_COOKIE = 3;
/** argument = capture name (string) */
export const SOURCE_CAPTURE = 4;
/** argument = JSON pointer (string) */
export const SOURCE_BODY = 5;
/** argument = key (string) */
export const SOURCE_EXTENSION = 6;

export const BUILTIN_REQUEST_METHOD = 0;
export const BUILTIN_REQUEST_PATH = 1;
export const BUILTIN_REQUEST_QUERY = 2;
export const BUILTIN_REQUEST_HOST = 3;
export const BUILTIN_REQUEST_SCHEME = 4;
export const BUILTIN_REQUEST_PROTOCOL = 5;
export const BUILTIN_REQUEST_SIZE = 6;
export const BUILTIN_REQUEST_ID = 7;
export const BUILTIN_SOURCE_IP = 8;
export const BUILTIN_SOURCE_PORT = 9;
export const BUILTIN_SOURCE_PRINCIPAL = 10;
export const BUILTIN_DESTINATION_IP = 11;
export const BUILTIN_DESTINATION_PORT = 12;
export const BUILTIN_DESTINATION_PRINCIPAL = 13;
export const BUILTIN_CONNECTION_MTLS = 14;
export const BUILTIN_CONNECTION_REQUESTED_SERVER_NAME = 15;
export const BUILTIN_CONNECTION_TLS_VERSION = 16;
export const BUILTIN_CONNECTION_SUBJECT_PEER_CERTIFICATE = 17;
export const BUILTIN_CONNECTION_URI_SAN_PEER_CERTIFICATE = 18;
export const BUILTIN_CONNECTION_DNS_SAN_PEER_CERTIFICATE = 19;
export const BUILTIN_CONNECTION_SHA256_PEER_CERTIFICATE_DIGEST = 20;
export const BUILTIN_REQUEST_TIME = 21;
export const BUILTIN_RESOURCE_TYPE = 22;

export const POLICY_KIND_POLICY = 0;
export const POLICY_KIND_GUARD = 1;

export const MODE_ENFORCE = 0;
export const MODE_PERMISSIVE = 1;

export const SEVERITY_CRITICAL = 0;
export const SEVERITY_HIGH = 1;
export const SEVERITY_MEDIUM = 2;
export const SEVERITY_LOW = 3;
export const SEVERITY_INFO = 4;

export const EFFECT_REQUIRES = 0;
export const EFFECT_ALLOWS = 1;
export const EFFECT_DENIES = 2;

export const SET_STRINGS = 0;
export const SET_NUMBERS = 1;
export const SET_MEMBERS = 2;
export const SET_NETWORKS = 3;

export const SEGMENT_LITERAL = 0;
export const SEGMENT_CAPTURE = 1;
export const SEGMENT_ANY = 2;
export const SEGMENT_REST = 3;

export const OBLIGATION_SET_REQUEST_HEADER = 1;
export const OBLIGATION_APPEND_REQUEST_HEADER = 2;
export const OBLIGATION_REMOVE_REQUEST_HEADER = 3;
export const OBLIGATION_SET_ANSWER_HEADER = 4;
export const OBLIGATION_LIMIT = 5;
export const OBLIGATION_LIMIT_KEY = 6;
export const OBLIGATION_SET_RESPONSE_HEADER = 7;
export const OBLIGATION_SET_QUERY_PARAMETER = 8;
export const OBLIGATION_REMOVE_QUERY_PARAMETER = 9;
export const OBLIGATION_SET_METADATA = 10;
export const OBLIGATION_TEXT_BODY = 11;
export const OBLIGATION_JSON_BODY = 12;
export const OBLIGATION_PART = 13;

export const NODE_LEAF = 0;
export const NODE_AND = 1;
export const NODE_OR = 2;
export const NODE_NOT = 3;

/** Texts that decide, and names, UTF-8, each once. Strings in other sections are indexes into it. */
export const SECTION_STRINGS = 1;
/** Number constants: finite, not -0, each once. */
export const SECTION_NUMBERS = 2;
/** Addresses (prefix length 128) and networks. IPv4 is stored v4-mapped (::ffff:0:0/96, prefix length + 96); bits behind the prefix are zero. */
export const SECTION_NETWORKS = 3;
/** Constant lists behind `in`; elements are string, number or network indexes, or enum members, each once and in an order that can be searched. Sets use the elements one after the other. */
export const SECTION_SETS = 4;
/** What `matches` and `like` ask of a text: a deterministic automaton over its bytes. State 0 says no and state 1 yes, whatever follows; the row of state s is s - 2. A row holds the next state for each class of bytes, and last the answer, 0 or 1, to a text that ends there. */
export const SECTION_AUTOMATA = 5;
/** Declared enums. Entry 0 is `resource.type`: its members are the names of the resources, and its value is -1 when nothing matches. */
export const SECTION_ENUMS = 6;
/** Shapes of values. argument = enum index (enum), element shape (list), first field (record), else 0. A shape only refers to shapes before it. Records use the fields one after the other. A value takes one cell, a record one more for every cell of each field, in order. */
export const SECTION_SHAPES = 7;
/** Facts about a request. Cells of the global frame are given out slot by slot. default = string, number, network index, enum member, or 0/1 (bool); 0 without the flag. */
export const SECTION_SLOTS = 8;
/** Path patterns, most specific first: the first that matches is the resource. A literal is a segment with this text, a capture and `any` are one segment, `rest` is any number of them, also none. One entry for each member of enum 0. */
export const SECTION_RESOURCES = 9;
/** Routines one after the other; see Instructions. */
export const SECTION_CODE = 10;
/** What an allow does to headers of the request and of the response, query parameters and metadata, and the headers that a denial answers; policies use them one after the other. A part adds to the text of the obligation in front of its parts: the value of a cell, then a string. The text of a body is the policy's deny body, then its parts. A limit is a bucket of tokens, and an allow takes one: interval = number, microseconds until a token comes back; burst = number, tokens in a full bucket. The keys behind it are cells of the global frame: a bucket for each combination of their values. */
export const SECTION_OBLIGATIONS = 11;
/** Policies and guards by severity, then name (bytes ascending, names unique). expiry = number: milliseconds since 1970. A policy of a set applies only where the selector holds the name of the set; where it holds none of the names the decision is `no-policy-set`. The constants are the policy's row in the section rows. */
export const SECTION_POLICIES = 12;
/** Metadata as written; policies use the entries one after the other. */
export const SECTION_METADATA = 13;
/** The source trees of the conditions. A leaf's routine tests it alone; children follow their parent; reads name the slots that a leaf or a `not` reads. */
export const SECTION_EXPLAIN = 14;
/** Business hours. days: bit 0 Monday ... bit 6 Sunday; from, to: minutes of the local day, to excluded. From each minute (since 1970-01-01T00:00Z) on the local time is so many minutes ahead of UTC; before the first and from `until` on nothing is known. Schedules use the offsets one after the other. */
export const SECTION_SCHEDULES = 15;
/** What is only shown: intents, metadata, sources of conditions; UTF-8. A text starts where the one before ends. A runtime may leave this section, metadata and explain where they are, and read of them what it shows. */
export const SECTION_TEXTS = 16;
/** Constants by policy, for instructions with a column: policies that differ in constants only share their code. Policies use them one after the other. */
export const SECTION_ROWS = 17;
/** What LOOKUP asks. key, value = string, number, network index, enum member, or 0/1 (bool), as their shapes say. Maps use the entries one after the other; keys ascend, so that they can be searched. */
export const SECTION_MAPS = 18;

/** The routine or body answers true. */
export const OP_ACCEPT = 1;
/** The routine or body answers false. */
export const OP_REJECT = 2;
/** True if b is 1, false if b is 0. */
export const OP_CONSTANT = 3;
/** True if a is present, false if absent, unknown if invalid. */
export const OP_EXISTS = 4;
/** The bool in a. */
export const OP_TRUTH = 5;
/** a equals string b. */
export const OP_EQ_STRING = 6;
/** a starts with string b. */
export const OP_STARTS_STRING = 7;
/** a ends with string b. */
export const OP_ENDS_STRING = 8;
/** a contains string b. */
export const OP_CONTAINS_STRING = 9;
/** a is a member of set b. */
export const OP_IN_STRINGS = 10;
/** a equals number b. */
export const OP_EQ_NUMBER = 11;
/** a is less than number b. */
export const OP_LT_NUMBER = 12;
/** a is at most number b. */
export const OP_LE_NUMBER = 13;
/** a is a member of set b. */
export const OP_IN_NUMBERS = 14;
/** a is enum member b (an immediate). */
export const OP_EQ_MEMBER = 15;
/** a comes before member b of its ordered enum. */
export const OP_LT_MEMBER = 16;
/** a is member b of its ordered enum or comes before it. */
export const OP_LE_MEMBER = 17;
/** a is in set b of members. */
export const OP_IN_MEMBERS = 18;
/** a (ip or cidr) equals network b: same bits, same prefix length (128 for an ip). */
export const OP_EQ_ADDRESS = 19;
/** ip a lies in network b; a v4 address only in a v4 network, a v6 address only in a v6 network. */
export const OP_IN_NETWORK = 20;
/** ip a lies in some network of set b. */
export const OP_IN_NETWORKS = 21;
/** a equals cell b, byte by byte. */
export const OP_EQ_STRINGS = 22;
/** a starts with cell b. */
export const OP_STARTS_STRINGS = 23;
/** a ends with cell b. */
export const OP_ENDS_STRINGS = 24;
/** a contains cell b. */
export const OP_CONTAINS_STRINGS = 25;
/** a equals cell b: int or float with int or float, bool, datetime or duration with its like, enum with the same enum. */
export const OP_EQ_NUMBERS = 26;
/** a is less than cell b: numbers, datetimes, durations, or the same ordered enum. */
export const OP_LT_NUMBERS = 27;
/** a is at most cell b. */
export const OP_LE_NUMBERS = 28;
/** a equals cell b: ip with ip, cidr with cidr. */
export const OP_EQ_ADDRESSES = 29;
/** ip a lies in the cidr of cell b. */
export const OP_IN_CIDR = 30;
/** a comes before string b, byte by byte; a beginning comes before what it begins. */
export const OP_LT_STRING = 31;
/** a equals string b or comes before it. */
export const OP_LE_STRING = 32;
/** a comes before cell b, byte by byte. */
export const OP_LT_STRINGS = 33;
/** a equals cell b or comes before it. */
export const OP_LE_STRINGS = 34;
/** Automaton b says yes to the bytes of a. */
export const OP_MATCHES = 35;
/** a lies in the hours of schedule b; unknown outside of the time that the schedule knows. */
export const OP_IN_HOURS = 36;
/** Kleene or over the elements of list a: equals string b. */
export const OP_HAS_STRING = 37;
/** Kleene or over the elements of list a: equals number b. */
export const OP_HAS_NUMBER = 38;
/** Kleene or over the elements of list a (enum, or bool with 0 or 1): is member b. */
export const OP_HAS_MEMBER = 39;
/** Kleene or over the elements of list a (ip or cidr): equals network b. */
export const OP_HAS_ADDRESS = 40;
/** Kleene or over the elements of list b: equals a. Unknown if a or the list is unknown, also for an empty list. */
export const OP_IN_LIST = 41;
/** Kleene or over the elements of list b of cidr: holds ip a. Unknown if a or the list is unknown, also for an empty list. */
export const OP_IN_CIDRS = 42;
/** The next b instructions are the body. Kleene or of the body over the elements of list a; unknown if the list is. */
export const OP_ANY = 43;
/** Kleene and of the body over the elements of list a; unknown if the list is. */
export const OP_ALL = 44;
/** Puts the sure and the possible number of elements of list a for which the body is true into the register; without a body (b = 0) present elements are sure, others possible. Unknown if the list is. */
export const OP_COUNT = 45;
/** Register 0 equals number b, for every number between sure and possible. */
export const OP_EQ_COUNT = 46;
/** Register 0 is less than number b, likewise. */
export const OP_LT_COUNT = 47;
/** Register 0 is at most number b, likewise. */
export const OP_LE_COUNT = 48;
/** Register 0 equals the number in cell b, likewise. */
export const OP_EQ_COUNT_CELL = 49;
/** Register 0 is less than the number in cell b, likewise. */
export const OP_LT_COUNT_CELL = 50;
/** Register 0 is at most the number in cell b, likewise. */
export const OP_LE_COUNT_CELL = 51;
/** Register 0 equals register 1; unknown unless one of them is exact. */
export const OP_EQ_COUNTS = 52;
/** Register 0 is less than register 1, likewise. */
export const OP_LT_COUNTS = 53;
/** Register 0 is at most register 1, likewise. */
export const OP_LE_COUNTS = 54;
/** Number b as a value of the type whose id is the field: int, float, datetime or duration. */
export const OP_LOAD_NUMBER = 55;
/** a + b. Types: int and float with each other (int if both are), datetime and duration to a datetime, two durations to a duration. */
export const OP_ADD = 56;
/** a - b. Types: likewise; two datetimes to a duration, a datetime and a duration to a datetime, two durations to a duration. */
export const OP_SUBTRACT = 57;
/** a times b. Types: int and float with each other, a duration and an int to a duration. */
export const OP_MULTIPLY = 58;
/** String a with ASCII letters in lower case. */
export const OP_LOWER = 59;
/** What map b gives key a, of the map's type of values. Absent where a is no key of the map. */
export const OP_LOOKUP = 60;
/** As COUNT, the number itself: an int where the sure and the possible number coincide, else invalid. */
export const OP_TALLY = 61;
/** Sum, from the first element on, of field `field` of the elements of list a for which the body is true (all, without a body): int, float or duration. 0 for none. */
export const OP_SUM = 62;
/** The least of them: int, float, datetime, duration or a member of an ordered enum. Invalid for none. */
export const OP_MIN = 63;
/** The greatest of them, likewise. */
export const OP_MAX = 64;

/** `IPES` as a little-endian u32. */
export const STATEMENT_MAGIC_WORD = 1397051465;
export const STATEMENT_FORMAT = 1;
/** Bytes before the name. */
export const STATEMENT_HEAD_BYTES = 98;
/** Of a name, and of an audience. */
export const STATEMENT_TEXT_BYTES_MAX = 128;
export const STATEMENT_SIGNATURE_BYTES_MIN = 8;
export const STATEMENT_SIGNATURE_BYTES_MAX = 72;
/** `IPES`. */
export const STATEMENT_MAGIC = 0;
/** Layout of the bytes. A runtime refuses every version but its own. */
export const STATEMENT_VERSION = 4;
/** Bit 0: break-glass, an override for a short time. The others are zero. */
export const STATEMENT_FLAGS = 6;
/** Digest of the bundle. */
export const STATEMENT_DIGEST = 8;
/** Orders statements about bundles of one name: from 1 to 2^53-1. */
export const STATEMENT_SEQUENCE = 40;
/** Seconds since 1970 from which it is valid; 0: from ever. */
export const STATEMENT_VALID_FROM = 48;
/** Seconds since 1970 until which it is valid, that second not included; behind `validFrom`, at most 2^53-1. */
export const STATEMENT_VALID_UNTIL = 56;
/** SHA-256 of the signer's key as SubjectPublicKeyInfo (DER, uncompressed point, 91 bytes). */
export const STATEMENT_KEY_ID = 64;
/** Length of the bundle's name, 1 to 128. */
export const STATEMENT_NAME_BYTES = 96;
/** Length of the audience, 1 to 128. */
export const STATEMENT_AUDIENCE_BYTES = 97;
/** An override for a short time. */
export const STATEMENT_FLAG_BREAK_GLASS = 1;
