/** Machine learning: where pipelines are registered and deploy models to, the API that scores, the schedule of Vertex itself. */
import * as pulumi from "@pulumi/pulumi";
import { grantEach } from "../components/iam";
import type { LakeBucket } from "../components/lake-bucket";
import { ModelEndpoint } from "../components/model-endpoint";
import { physicalName, type Naming } from "../components/names";
import { PipelineSchedule } from "../components/pipeline-schedule";
import type { ProjectServices } from "../components/project-services";
import { Registry } from "../components/registry";
import { ScoringApi } from "../components/scoring-api";
import type { WorkloadIdentity } from "../components/workload-identity";
import type { Features } from "./config/features";
import { trainingPipeline } from "./sources";

/** Names the model that answers (pyspark/champion.schema.json). */
const CHAMPION = "customer-churn-model/champion.json";

export interface MlArgs {
  project: string;
  region: string;
  naming: Naming;
  labels: Record<string, string>;
  features: Features;
  protectData: boolean;
  trainingSchedule: string;
  timeZone: string;
  qualityThreshold: number;
  tuningSearch: string;
  deployModels: boolean;
  accounts: { runner: WorkloadIdentity; launcher: WorkloadIdentity; scoring?: WorkloadIdentity };
  buckets: Record<"pipelines" | "functions" | "bundles", LakeBucket>;
  /** The image that models are served with, and the archive that it is built from. */
  serving?: {
    image: pulumi.Output<string>;
    archive: { bucket: pulumi.Output<string>; object: string; generation: pulumi.Output<string> };
  };
  /** Values for the pipeline's parameters. */
  parameters: Record<string, pulumi.Input<string>>;
  /** Principals who may call the scoring API, by grant key. */
  people: Record<string, string>;
  services: ProjectServices;
}

export interface Ml {
  pipelineRoot: pulumi.Output<string>;
  /** Address of the registry of compiled pipelines. */
  pipelineRegistry: pulumi.Output<string>;
  experiment: string;
  endpoint: pulumi.Output<string>;
  /** `gs://` address of the object that names the model which answers, online and in batches. */
  champion: pulumi.Output<string>;
  scoringUrl?: pulumi.Output<string>;
  /** Values for the pipeline's parameters that the lab itself decides. */
  parameters: Record<string, pulumi.Input<string>>;
  schedule?: pulumi.Output<string>;
}

export function ml(args: MlArgs): Ml {
  const ready = { dependsOn: [args.services] };
  const pipelineRoot = pulumi.interpolate`gs://${args.buckets.pipelines.bucketName}/root`;
  const name = physicalName(args.naming, "resource", "churn");
  const endpoint = new ModelEndpoint("churn", { displayName: name, location: args.region, labels: args.labels }, ready);
  const champion = pulumi.interpolate`gs://${args.buckets.bundles.bucketName}/${CHAMPION}`;
  const parameters = {
    ...args.parameters,
    experiment: name,
    threshold: String(args.qualityThreshold),
    ...(args.tuningSearch !== "none" ? { tuning_search: args.tuningSearch } : {}),
    ...(args.deployModels ? { deploy_to: endpoint.endpoint } : {}),
    ...servingParameters(args),
  };
  return {
    pipelineRoot,
    pipelineRegistry: pipelineRegistry(args).address,
    experiment: name,
    endpoint: endpoint.endpoint,
    champion,
    scoringUrl: scoringApi(args, champion)?.url,
    parameters,
    schedule: args.features.vertexSchedule ? weekly(args, name, parameters, pipelineRoot).schedule : undefined,
  };
}

/** Where compiled pipelines lie by version. */
function pipelineRegistry(args: MlArgs): Registry {
  return new Registry(
    "pipeline-registry",
    {
      project: args.project,
      repositoryId: physicalName(args.naming, "resource", "pipelines"),
      location: args.region,
      format: "KFP",
      description: "Compiled pipelines by version",
      labels: args.labels,
      grants: grantEach("roles/artifactregistry.reader", {
        runner: args.accounts.runner.member,
        launcher: args.accounts.launcher.member,
      }),
    },
    { dependsOn: [args.services] },
  );
}

/** What pipelines register models with, and the account that a deployed model runs as. */
function servingParameters({ serving, accounts }: MlArgs): Record<string, pulumi.Input<string>> {
  return serving && accounts.scoring ? { serving_image: serving.image, serving_account: accounts.scoring.email } : {};
}

function scoringApi(args: MlArgs, champion: pulumi.Output<string>): ScoringApi | undefined {
  const account = args.accounts.scoring;
  if (!account || !args.serving) return undefined;
  return new ScoringApi(
    "scoring-api",
    {
      serviceName: physicalName(args.naming, "service", "scoring-api"),
      location: args.region,
      labels: args.labels,
      serviceAccount: account.email,
      source: args.serving.archive,
      environment: { CHAMPION_URI: champion },
      grants: grantEach("roles/run.invoker", args.people),
      protect: args.protectData,
    },
    { dependsOn: [args.services, account, args.buckets.bundles] },
  );
}

/** Parameters of a schedule never change from run to run, so that each of its runs is the same run: a demonstration, created paused. */
function weekly(
  args: MlArgs,
  name: string,
  values: Record<string, pulumi.Input<string>>,
  pipelineRoot: pulumi.Input<string>,
): PipelineSchedule {
  const spec = trainingPipeline();
  const { root } = JSON.parse(spec) as {
    root: { inputDefinitions: { parameters: Record<string, { isOptional?: boolean; parameterType: string }> } };
  };
  const run: Record<string, pulumi.Input<string>> = {
    ...values,
    pipeline_id: "scheduled",
    model_version: "scheduled",
    execution_time: "2026-01-01T00:00:00Z",
  };
  // The schedule's parameters are texts: one of another type keeps its default.
  const wanted = Object.entries(root.inputDefinitions.parameters).filter(
    ([key, { isOptional, parameterType }]) => parameterType === "STRING" && (!isOptional || run[key] !== undefined),
  );
  const missing = wanted.filter(([key]) => run[key] === undefined).map(([key]) => key);
  if (missing.length > 0)
    throw new pulumi.RunError(
      `pyspark/pipelines/churn_training.json: got parameters ${missing.join(", ")}; expected ${Object.keys(run).sort().join(", ")}. Add them to stacks/parameters.ts`,
    );
  return new PipelineSchedule(
    "weekly",
    {
      displayName: name,
      location: args.region,
      labels: args.labels,
      cron: args.trainingSchedule,
      timeZone: args.timeZone,
      pipelineSpec: spec,
      parameters: Object.fromEntries(wanted.map(([key]) => [key, run[key]!])),
      serviceAccount: args.accounts.runner.email,
      pipelineRoot,
    },
    { dependsOn: [args.services, args.accounts.runner] },
  );
}
