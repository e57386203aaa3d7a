/** StreamingPull, which Google's clients receive with: messages flow while the client has room for more. */
import { readFileSync } from "node:fs";
import type { handleBidiStreamingCall, MethodDefinition, Server, ServerDuplexStream } from "@grpc/grpc-js";
import { fromProto3JSON } from "proto3-json-serializer";
import { Root, type INamespace, type Message, type Method } from "protobufjs";
import type { Cloud } from "../../cloud";
import { principalOf } from "../../grpc/grpc";
import { toServiceError } from "../../grpc/status";
import { protosFile } from "../../grpc/transcoding";
import type { JsonObject, Principal } from "../../service";
import { acknowledge, extend, lease } from "./leases";
import { shown, whenDue } from "./pull";

const SERVICE = "google.pubsub.v1.Subscriber";
/** What a stream asks for at most at once. */
const PORTION = 100;
/** A stream looks again at least this often. */
const LONGEST_WAIT = 60_000;

interface Wish {
  subscription?: string;
  ackIds?: string[];
  modifyDeadlineSeconds?: number[];
  modifyDeadlineAckIds?: string[];
  maxOutstandingMessages?: { toNumber: () => number } | number;
}
type Stream = ServerDuplexStream<Message & Wish, Message>;

export function addStreamingPull(server: Server, cloud: Cloud): void {
  const root = Root.fromJSON(JSON.parse(readFileSync(protosFile("@google-cloud/pubsub"), "utf8")) as INamespace);
  const method = root.lookupService(SERVICE).methods.StreamingPull!.resolve() as Method;
  const definition: MethodDefinition<Message & Wish, Message> = {
    ...{ path: `/${SERVICE}/StreamingPull`, requestStream: true, responseStream: true },
    requestSerialize: encode,
    requestDeserialize: (bytes) => method.resolvedRequestType!.decode(bytes),
    responseSerialize: encode,
    responseDeserialize: (bytes) => method.resolvedResponseType!.decode(bytes),
  };
  const answer = (json: JsonObject) => fromProto3JSON(method.resolvedResponseType!, json)!;
  const handler: handleBidiStreamingCall<Message & Wish, Message> = (call) => void serve(call, answer, cloud);
  server.addService({ StreamingPull: definition }, { StreamingPull: handler });
}

const encode = (message: Message) => Buffer.from(message.$type.encode(message).finish());

async function serve(call: Stream, answer: (json: JsonObject) => Message, cloud: Cloud): Promise<void> {
  let name = "";
  let room = Infinity;
  const outstanding = new Set<string>();
  const bug = (err: unknown) => cloud.log.error({ err }, "StreamingPull failed by a bug");
  const fail = (error: unknown) => call.emit("error", toServiceError(error, bug));
  let waiting: ReturnType<typeof whenDue> | undefined;
  let isOver = false;
  let asked = Promise.resolve();
  const end = () => {
    isOver = true;
    waiting?.cancel();
  };
  call.on("cancelled", end).on("close", end);
  call.on("end", () => {
    end();
    call.end();
  });
  const flow = async () => {
    while (!isOver) {
      waiting = whenDue(name, LONGEST_WAIT, cloud);
      const leases = await lease(name, Math.min(PORTION, room - outstanding.size), cloud);
      for (const { ackId } of leases) outstanding.add(ackId);
      if (leases.length > 0) call.write(answer({ receivedMessages: await shown(name, leases, cloud) }));
      else await waiting.done;
      waiting.cancel();
    }
  };
  call.on("data", (wish: Message & Wish) => {
    const first = name === "";
    name ||= wish.subscription ?? "";
    const most = Number(wish.maxOutstandingMessages ?? 0);
    if (first && most > 0) room = most;
    for (const id of [...(wish.ackIds ?? []), ...(wish.modifyDeadlineAckIds ?? [])]) outstanding.delete(id);
    if (first) asked = requireConsume(name, principalOf(call), cloud);
    asked.then(() => obey(name, wish, cloud)).catch(fail);
    if (first) asked.then(flow, end).catch(fail);
  });
}

/** A stream is asked once, with its first message, which names the subscription. */
const requireConsume = (name: string, principal: Principal, cloud: Cloud) =>
  cloud.access.require({
    ...{ principal, permission: "pubsub.subscriptions.consume", method: "pubsub.StreamingPull" },
    resource: `//pubsub.googleapis.com/${name.replace(`projects/${cloud.project.number}/`, `projects/${cloud.project.id}/`)}`,
  });

async function obey(
  name: string,
  { ackIds = [], modifyDeadlineAckIds = [], modifyDeadlineSeconds = [] }: Wish,
  cloud: Cloud,
) {
  if (ackIds.length > 0) await acknowledge(name, ackIds, cloud);
  for (const [index, ackId] of modifyDeadlineAckIds.entries())
    await extend(name, [ackId], modifyDeadlineSeconds[index] ?? 0, cloud);
}
