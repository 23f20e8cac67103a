-- Posts one body over and over, checks every answer, and prints the figures as a line of JSON.
-- The arguments after the address: path, body file, wanted status, wanted text, authorization.

local threads = {}
local wanted_status, wanted_text

function setup(thread)
    table.insert(threads, thread)
end

function init(arguments)
    local file = assert(io.open(arguments[2], "rb"))
    wanted_status, wanted_text = tonumber(arguments[3]), arguments[4]
    wrk.headers["content-type"] = "application/json"
    if arguments[5] then
        wrk.headers["authorization"] = arguments[5]
    end
    message = wrk.format("POST", arguments[1], nil, file:read("*a"))
    file:close()
    wrong, example = 0, ""
end

function request()
    return message
end

function response(status, headers, body)
    if status ~= wanted_status or not body:find(wanted_text, 1, true) then
        wrong, example = wrong + 1, status .. " " .. body:sub(1, 200)
    end
end

function done(summary, latency, requests)
    local wrong, example = 0, ""
    for _, thread in ipairs(threads) do
        wrong, example = wrong + thread:get("wrong"), thread:get("example")
    end
    local errors = summary.errors
    if wrong > 0 then
        io.stderr:write("last wrong answer: " .. example .. "\n")
    end
    print(string.format(
        '{"requests": %d, "seconds": %.6f, "wrong": %d, "failed": %d, ' ..
        '"p50_ms": %.3f, "p95_ms": %.3f, "p99_ms": %.3f}',
        summary.requests, summary.duration / 1e6, wrong,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
