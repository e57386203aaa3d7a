/**
 * Pulumi's ResourceMonitor and Engine services, as its language runtimes speak to them. They listen on a socket in a
 * folder that only this user can enter, for the life of one run: the protocol has no room for a token.
 * Source: proto/pulumi/{resource,engine}.proto and pkg/resource/deploy/source_eval.go of github.com/pulumi/pulumi.
 */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Server,
  ServerCredentials,
  status,
  type handleUnaryCall,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import * as engine from "@pulumi/pulumi/proto/engine_pb";
import { CheckFailure, InvokeResponse } from "@pulumi/pulumi/proto/provider_pb";
import { ResourceMonitorService } from "@pulumi/pulumi/proto/resource_grpc_pb";
import * as resource from "@pulumi/pulumi/proto/resource_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { Deployment } from "./deployment";
import { DeployError, InvokeError, messageOf } from "./errors";
import type { Emit } from "./events";
import { readGoal, readInvocation } from "./requests";
import { LARGEST_MESSAGE } from "./runtime";
import type { Properties } from "./values";

/** What the runtime may ask for and gets. Everything else is refused by the runtime itself, by name. */
export const FEATURES: ReadonlySet<string> = new Set(["secrets", "resourceReferences", "deletedWith", "aliasSpecs"]);

export interface Monitor {
  /** Address in gRPC's syntax. */
  address: string;
  close: () => Promise<void>;
}

export interface MonitorOptions {
  /** Nothing is answered before it has begun. */
  deployment: Promise<Deployment>;
  emit: Emit;
  /** Called when the program's first resource is registered. */
  onFirstResource: () => void;
}

export async function startMonitor(options: MonitorOptions): Promise<Monitor> {
  const folder = await mkdtemp(join(tmpdir(), "pulumi-"));
  await chmod(folder, 0o700);
  const address = `unix:${join(folder, "engine.sock")}`;
  const server = new Server({
    "grpc.max_receive_message_length": LARGEST_MESSAGE,
    "grpc.max_send_message_length": LARGEST_MESSAGE,
  });
  server.addService(ResourceMonitorService, monitorService(options));
  server.addService(EngineService, engineService(options));
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
  });
  const close = async () => {
    server.forceShutdown();
    await rm(folder, { recursive: true, force: true });
  };
  return { address, close };
}

function monitorService({ deployment, onFirstResource }: MonitorOptions): UntypedServiceImplementation {
  const refuse = (what: string) =>
    answer(deployment, (): Promise<Empty> => Promise.reject(new DeployError(`${what} cannot be used here`)));
  return {
    supportsFeature: answer(deployment, async (_, request: resource.SupportsFeatureRequest) =>
      new resource.SupportsFeatureResponse().setHassupport(FEATURES.has(request.getId())),
    ),
    registerResource: answer(deployment, async (deployed, request: resource.RegisterResourceRequest) => {
      onFirstResource();
      const { urn, id, outputs } = await deployed.register(readGoal(request));
      return new resource.RegisterResourceResponse().setUrn(urn).setId(id).setObject(struct(outputs));
    }),
    registerResourceOutputs: answer(deployment, async (deployed, request: resource.RegisterResourceOutputsRequest) => {
      await deployed.registerOutputs(request.getUrn(), properties(request.getOutputs()));
      return new Empty();
    }),
    invoke: answer(deployment, async (deployed, request: resource.ResourceInvokeRequest) => {
      const { outputs, failures } = await deployed.invoke(readInvocation(request));
      const told = failures.map(({ property, reason }) => new CheckFailure().setProperty(property).setReason(reason));
      return new InvokeResponse().setReturn(struct(outputs)).setFailuresList(told);
    }),
    // Nothing runs in the program at deletion, so that it may end before the deletions begin.
    signalAndWaitForShutdown: answer(deployment, async () => new Empty()),
    readResource: answer(deployment, (_, request: resource.ReadResourceRequest): Promise<Empty> => {
      const what = `${request.getName()} [${request.getType()}]`;
      return Promise.reject(new DeployError(`${what}: what another owns (get, StackReference) cannot be used here`));
    }),
    call: refuse("pulumi.runtime.call (methods of remote components)"),
    registerStackTransform: refuse("Stack transforms"),
    registerStackInvokeTransform: refuse("Invoke transforms"),
    registerResourceHook: refuse("Resource hooks"),
    registerErrorHook: refuse("Error hooks"),
    registerPackage: refuse("Parameterized packages"),
  };
}

function engineService({ deployment, emit }: MonitorOptions): UntypedServiceImplementation {
  const severities = { 0: "debug", 1: "info", 2: "warning", 3: "error" } as const;
  return {
    log: answer(deployment, async (_, request: engine.LogRequest) => {
      const [severity, urn] = [severities[request.getSeverity()], request.getUrn()];
      // The runtime's own tracing, which shows secrets as they are.
      if (severity === "debug") return new Empty();
      emit({ type: "diagnostic", severity, message: request.getMessage(), ...(urn && { urn }) });
      return new Empty();
    }),
    // The stack registers itself, too.
    setRootResource: answer(deployment, async () => new engine.SetRootResourceResponse()),
  };
}

/**
 * Wraps a handler. A failed function is the program's to handle. Any other failure is told by the engine and ends the
 * run; the runtime takes UNAVAILABLE as "the engine is shutting down" and leaves quietly instead of reporting it again.
 */
function answer<Request, Response>(
  deployment: Promise<Deployment>,
  handle: (deployed: Deployment, request: Request) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  const respond: Handler<Request, Response> = async ({ request }, callback) => {
    const deployed = await deployment;
    try {
      callback(null, await handle(deployed, request));
    } catch (error) {
      const isPrograms = error instanceof InvokeError && !deployed.failure;
      if (!isPrograms && !deployed.failure) deployed.fail(error);
      callback({ code: isPrograms ? status.UNKNOWN : status.UNAVAILABLE, details: messageOf(error) });
    }
  };
  return (call, callback) => void respond(call, callback);
}

type Handler<Request, Response> = (...given: Parameters<handleUnaryCall<Request, Response>>) => Promise<void>;

const properties = (value: Struct | undefined): Properties => (value ? value.toJavaScript() : {});
const struct = (value: Properties): Struct => Struct.fromJavaScript(value);
