/**
 * Policy packs: each is a program of its own that serves Pulumi's Analyzer protocol, started as the Node language host
 * starts one. It sees every resource's inputs before anything is done with it, and the whole stack at the end.
 * Source: NewPolicyAnalyzer in sdk/go/common/resource/plugin/analyzer_plugin.go, RunPlugin in
 * sdk/nodejs/cmd/pulumi-language-nodejs/main.go, AnalyzeResources in pkg/resource/deploy/step_generator.go.
 */
import type { ChildProcess } from "node:child_process";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify, stripVTControlCharacters } from "node:util";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import { AnalyzerClient } from "@pulumi/pulumi/proto/analyzer_grpc_pb";
import * as analyzer from "@pulumi/pulumi/proto/analyzer_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { parse } from "yaml";
import { z } from "zod";
import { checked, DeployError } from "./errors";
import type { Emit } from "./events";
import { policyConfig } from "./policy-config";
import { analyzedOfStack, fillAnalyzed, type Analyzed } from "./policy-request";
import { LARGEST_MESSAGE, ORGANIZATION, startRuntime } from "./runtime";
import type { Scene } from "./scene";
import { readIfThere } from "./state-files";

const packFile = z.strictObject({
  runtime: z.union([z.literal("nodejs"), z.strictObject({ name: z.literal("nodejs") })]),
  name: z.string().optional(),
  version: z.string().optional(),
  main: z.string().optional(),
  description: z.string().optional(),
  author: z.string().optional(),
  website: z.string().optional(),
  license: z.string().optional(),
});

/** Undefined where the operation has none. */
export async function startPolicyPacks(scene: Scene): Promise<PolicyPacks | undefined> {
  const folders = scene.options.policyPacks ?? [];
  if (folders.length === 0) return undefined;
  const started = await Promise.allSettled(folders.map((folder) => startPack(resolve(folder), scene)));
  const packs = started.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = started.find((result) => result.status === "rejected");
  if (!failed) return new PolicyPacks(packs, scene.emit);
  await Promise.all(packs.map((pack) => pack.stop()));
  throw failed.reason;
}

interface Pack {
  client: AnalyzerClient;
  stop: () => Promise<void>;
}

export class PolicyPacks {
  /** What was told in this operation: an update does not repeat its preview. */
  private readonly told = new Set<string>();

  constructor(
    private readonly packs: readonly Pack[],
    private readonly emit: Emit,
  ) {}

  /** @returns whether anything mandatory is violated; a preview goes on, so that all violations are seen at once. */
  async analyze(resource: Analyzed): Promise<boolean> {
    const request = fillAnalyzed(new analyzer.AnalyzeRequest(), resource);
    const answers = this.packs.map(({ client }) =>
      ask<analyzer.AnalyzeRequest, analyzer.AnalyzeResponse>((sent, done) => client.analyze(sent, done), request),
    );
    return this.tell(await Promise.all(answers), resource.state.urn);
  }

  async analyzeStack(resources: readonly Analyzed[]): Promise<boolean> {
    const request = new analyzer.AnalyzeStackRequest().setResourcesList(resources.map(analyzedOfStack));
    const answers = this.packs.map(({ client }) =>
      ask<analyzer.AnalyzeStackRequest, analyzer.AnalyzeResponse>(
        (sent, done) => client.analyzeStack(sent, done),
        request,
      ),
    );
    return this.tell(await Promise.all(answers), undefined);
  }

  async stop(): Promise<void> {
    await Promise.all(this.packs.map((pack) => pack.stop()));
  }

  private tell(answers: readonly analyzer.AnalyzeResponse[], urn: string | undefined): boolean {
    let isViolated = false;
    for (const violation of answers.flatMap((answer) => answer.getDiagnosticsList())) {
      const isMandatory = violation.getEnforcementlevel() === analyzer.EnforcementLevel.MANDATORY;
      isViolated ||= isMandatory;
      const where = urn ?? (violation.getUrn() || undefined);
      const policy = `${violation.getPolicypackname()}@v${violation.getPolicypackversion()}, ${violation.getPolicyname()}`;
      const message = `[${isMandatory ? "mandatory" : "advisory"}] ${policy}: ${violation.getMessage()}`;
      if (this.told.has(`${where} ${message}`)) continue;
      this.told.add(`${where} ${message}`);
      const severity = isMandatory ? "error" : "warning";
      this.emit({ type: "diagnostic", severity, message, ...(where && { urn: where }) });
    }
    return isViolated;
  }
}

async function startPack(folder: string, scene: Scene): Promise<Pack> {
  const child = await startProcess(folder, scene);
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  try {
    const port = await portOf(child, folder, scene.emit);
    const client = new AnalyzerClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.max_receive_message_length": LARGEST_MESSAGE,
      "grpc.max_send_message_length": LARGEST_MESSAGE,
      "grpc.enable_http_proxy": 0,
    });
    const info = await ask<Empty, analyzer.AnalyzerInfo>(
      (sent, done) => client.getAnalyzerInfo(sent, done),
      new Empty(),
    );
    await ask((sent, done) => client.configure(sent, done), policyConfig(info));
    return {
      client,
      stop: async () => {
        client.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * What a policy can ask of Pulumi's runtime; ConfigureStack would tell a pack for Node no more than the stack's tags,
 * which there are none of here. Source: constructEnv in analyzer_plugin.go, configureStack of @pulumi/policy.
 */
async function startProcess(folder: string, { environment, options, project, config }: Scene): Promise<ChildProcess> {
  const file = join(folder, "PulumiPolicy.yaml");
  const raw = await readIfThere(file);
  if (raw === undefined) throw new DeployError(`${file}: no such file; expected a policy pack`);
  const { main = "." } = checked(packFile, parse(raw), file);
  return startRuntime({
    ...{ entry: "run-policy-pack", folder, words: ["engine", main], config },
    environment: {
      ...environment,
      PULUMI_STACK: options.stack,
      PULUMI_NODEJS_ORGANIZATION: ORGANIZATION,
      PULUMI_NODEJS_PROJECT: project.name,
      PULUMI_NODEJS_STACK: options.stack,
    },
  });
}

/** The first line of a plugin's output is its port; what comes after it, and on the other stream, is for the person. */
function portOf(child: ChildProcess, folder: string, emit: Emit): Promise<number> {
  const complaints: string[] = [];
  createInterface({ input: child.stderr! }).on("line", (message) => {
    complaints.push(message);
    emit({ type: "diagnostic", severity: "warning", message });
  });
  return new Promise((found, reject) => {
    let port: number | undefined;
    createInterface({ input: child.stdout! }).on("line", (line) => {
      if (port !== undefined) return emit({ type: "diagnostic", severity: "info", message: line });
      if (/^\d+$/.test(line)) found((port = Number(line)));
      else complaints.push(line);
    });
    child.once("error", reject);
    child.once("close", (code) => {
      const said = complaints.filter((line) => !/^\s*at /.test(stripVTControlCharacters(line))).join("\n");
      reject(new DeployError(`policy pack ${folder}: ended with exit code ${code} before it served\n${said}`));
    });
  });
}

type Method<Request, Response> = (
  request: Request,
  callback: (error: ServiceError | null, response: Response) => void,
) => unknown;

/** A pack that throws has decided nothing: its failure is the operation's. */
async function ask<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
  try {
    return await promisify(method)(request);
  } catch (error) {
    const { details, message } = error as ServiceError;
    throw new DeployError(`policy pack: ${details || message}`, { cause: error });
  }
}
