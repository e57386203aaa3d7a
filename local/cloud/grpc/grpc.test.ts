/** gRPC through the door, by @grpc/grpc-js as clients use it: proxy from the environment, TLS with the private CA. */
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { once } from "node:events";
import {
  credentials,
  makeGenericClientConstructor,
  Metadata,
  status,
  type Client,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
  type ServiceError,
} from "@grpc/grpc-js";
import { ApiError } from "../errors";
import { CALLER, HOST, openTestDoor, until, type TestDoor } from "../door/front-door-testing";
import { principalOf } from "./grpc";
import { toServiceError } from "./status";

// Clients are real and machines are busy: a wait in vain ends here, no test depends on the time.
jest.setTimeout(60_000);

let lab: TestDoor;
let client: Client;
/** What implementations saw, in order. */
let seen: string[];

const bytes = (value: Buffer) => value;
const method = (name: string, requestStream = false, responseStream = false): MethodDefinition<Buffer, Buffer> => ({
  ...{ path: `/test.Test/${name}`, requestStream, responseStream },
  ...{ requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes },
});
const DEFINITION = {
  WhoAmI: method("WhoAmI"),
  Fail: method("Fail"),
  Never: method("Never"),
  Count: method("Count", false, true),
  Sum: method("Sum", true, false),
  Echo: method("Echo", true, true),
};

beforeEach(async () => {
  seen = [];
  lab = await openTestDoor({ serves: () => true, rest: async () => ({}), http: async () => undefined });
  lab.grpc.server.addService(DEFINITION, implementation);
  process.env.grpc_proxy = lab.door.proxy;
  client = newClient();
});
afterEach(async () => {
  client.close();
  delete process.env.grpc_proxy;
  await lab.close();
});

const newClient = () => {
  const Constructor = makeGenericClientConstructor({}, "test");
  const options = { "grpc.max_receive_message_length": -1, "grpc.use_local_subchannel_pool": 1 };
  return new Constructor(`${HOST}:443`, credentials.createSsl(lab.ca), options);
};
const withToken = (more: Record<string, string> = {}) => {
  const metadata = new Metadata();
  metadata.set("authorization", "Bearer good");
  for (const [name, value] of Object.entries(more)) metadata.set(name, value);
  return metadata;
};

const whoAmI: handleUnaryCall<Buffer, Buffer> = (call, callback) =>
  callback(null, Buffer.from(JSON.stringify(principalOf(call))));
const fail: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
  const details = [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "LIMIT", domain: "test" }];
  const error =
    call.request.toString() === "api"
      ? new ApiError("RESOURCE_EXHAUSTED", "zu viel: 100 % ✓", details)
      : new Error("a bug");
  callback(toServiceError(error, (cause) => seen.push(String(cause))));
};
const never: handleUnaryCall<Buffer, Buffer> = (call) => {
  seen.push("called");
  call.on("cancelled", () => seen.push("cancelled"));
};
/** As many messages of as many bytes as asked for, then a trailer. */
const count: handleServerStreamingCall<Buffer, Buffer> = (call) => void countOut(call);
async function countOut(call: Parameters<typeof count>[0]): Promise<void> {
  const [messages, size] = call.request.toString().split(" ").map(Number);
  const cancelled = once(call, "cancelled");
  for (let i = 0; i < messages! && !call.cancelled; i++) {
    if (!call.write(Buffer.alloc(size!, i % 256))) await Promise.race([once(call, "drain"), cancelled]);
    if (i === 0) seen.push("began");
  }
  const trailer = new Metadata();
  trailer.set("counted", String(messages));
  seen.push(call.cancelled ? "cancelled" : "counted");
  call.end(trailer);
}
const sum: handleClientStreamingCall<Buffer, Buffer> = (call, callback) => {
  let total = 0;
  call.on("data", (message: Buffer) => (total += message.length));
  call.on("end", () => callback(null, Buffer.from(String(total))));
};
const echo: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  call.on("data", (message: Buffer) => call.write(message));
  call.on("end", () => call.end());
};
const implementation = { WhoAmI: whoAmI, Fail: fail, Never: never, Count: count, Sum: sum, Echo: echo };

function unary(
  name: string,
  request = "",
  metadata = withToken(),
  options: { deadline?: Date } = {},
  by = client,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    by.makeUnaryRequest(`/test.Test/${name}`, bytes, bytes, Buffer.from(request), metadata, options, (error, answer) =>
      error ? reject(error) : resolve(answer!),
    );
  });
}
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: ServiceError) => error,
  );
const countFrom = (request: string, by = client) =>
  by.makeServerStreamRequest("/test.Test/Count", bytes, bytes, Buffer.from(request), withToken());

describe("gRPC through the door", () => {
  it("tells an implementation who calls, and believes nobody else about it", async () => {
    const forged = Buffer.from(JSON.stringify({ ...CALLER, email: "root" })).toString("base64url");
    const answer = await unary("WhoAmI", "", withToken({ "x-sparklab-principal": forged }));
    expect(JSON.parse(answer.toString())).toEqual(CALLER);
    await until(() => lab.records.length === 1);
    expect(lab.records).toEqual([
      expect.objectContaining({
        protocol: "grpc",
        method: "test.Test/WhoAmI",
        principal: CALLER.email,
        status: 200,
        grpcStatus: 0,
      }),
    ]);
  });

  it("answers UNAUTHENTICATED without a good token, and the implementation is not reached", async () => {
    expect(await refusal(unary("Never", "", new Metadata()))).toMatchObject({
      code: status.UNAUTHENTICATED,
      details: /invalid authentication/,
    });
    expect(seen).toEqual([]);
  });

  it("answers UNIMPLEMENTED for a method that nobody serves", async () => {
    expect(await refusal(unary("Nothing"))).toMatchObject({ code: status.UNIMPLEMENTED });
  });

  it("keeps code, text and details of an API error, and hides those of a bug", async () => {
    const error = await refusal(unary("Fail", "api"));
    expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: "zu viel: 100 % ✓" });
    expect(error!.metadata.get("grpc-status-details-bin").toString()).toContain("LIMIT");
    expect(await refusal(unary("Fail", "bug"))).toMatchObject({
      code: status.INTERNAL,
      details: expect.not.stringContaining("a bug"),
    });
    expect(seen).toEqual(["Error: a bug"]);
  });

  it("streams thousands of messages and keeps the trailer", async () => {
    const call = countFrom("5000 10000");
    const ended = once(call, "status") as Promise<[{ code: number; metadata: Metadata }]>;
    let total = 0;
    for await (const message of call as AsyncIterable<Buffer>) total += message.length;
    expect(total).toBe(5000 * 10000);
    const [{ code, metadata }] = await ended;
    expect([code, metadata.get("counted")]).toEqual([0, ["5000"]]);
  });

  it("takes messages of tens of megabytes", async () => {
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const call = client.makeClientStreamRequest("/test.Test/Sum", bytes, bytes, withToken(), (error, value) =>
        error ? reject(error) : resolve(value!),
      );
      for (let i = 0; i < 4; i++) call.write(Buffer.alloc(20 << 20, i));
      call.end();
    });
    expect(answer.toString()).toBe(String(80 << 20));
  });

  it("carries both directions at once", async () => {
    const call = client.makeBidiStreamRequest("/test.Test/Echo", bytes, bytes, withToken());
    for (let i = 0; i < 3; i++) {
      call.write(Buffer.from(`message ${i}`));
      expect(String((await once(call, "data"))[0])).toBe(`message ${i}`);
    }
    call.end();
    expect((await once(call, "status"))[0]).toMatchObject({ code: 0 });
  });

  it("ends a call at its deadline and tells the implementation", async () => {
    const deadline = new Date(Date.now() + 300);
    expect(await refusal(unary("Never", "", withToken(), { deadline }))).toMatchObject({
      code: status.DEADLINE_EXCEEDED,
    });
    await until(() => seen.includes("cancelled"));
  });

  it("tells the implementation of a cancelled call and of a client that has gone", async () => {
    const call = countFrom("1000000 10000");
    call.on("error", () => undefined);
    await until(() => seen.includes("began"));
    call.cancel();
    await until(() => seen.at(-1) === "cancelled");
    seen = [];
    const hasty = await lab.open({ timeouts: { drain: 50 } });
    process.env.grpc_proxy = hasty.proxy;
    const cutOff = newClient();
    const lost = refusal(unary("Never", "", withToken(), {}, cutOff));
    await until(() => seen.includes("called"));
    await hasty.close();
    expect(await lost).toMatchObject({ code: expect.any(Number) });
    cutOff.close();
    await until(() => seen.includes("cancelled"));
  });

  it("serves others while one client does not read its stream", async () => {
    const slow = countFrom("10000 100000");
    slow.on("error", () => undefined);
    slow.pause();
    await until(() => seen.includes("began"));
    const others = await Promise.all([unary("WhoAmI"), unary("WhoAmI", "", withToken(), {}, newClient())]);
    expect(others).toHaveLength(2);
    expect(seen).not.toContain("counted");
    slow.cancel();
  });
});
