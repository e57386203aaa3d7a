/** The whole lab in reading order: each layer takes what the ones above it made. Start here. */
import * as pulumi from "@pulumi/pulumi";
import type { LabConfig } from "./config";
import { foundation } from "./foundation";
import { identities } from "./identities";
import { lake } from "./lake";
import { ml } from "./ml";
import { observability } from "./observability";
import { orchestration } from "./orchestration";
import { labOutputs, type LabOutputs } from "./outputs";
import { pipelineParameters, runSettings } from "./parameters";
import { spark } from "./spark";
import { workbench } from "./workbench";

/** @param root Folder that holds `functions/`. @default the program's own */
export function lab(config: LabConfig, root = "."): LabOutputs {
  const naming = { prefix: config.prefix, environment: config.environment };
  const labels = { lab: config.prefix, environment: config.environment };
  const whole = config.profile !== "batches";
  const common = { ...config, naming, labels, whole, root };

  const { services, network } = foundation(common);
  const { accounts, operators, attendees } = identities({ ...common, services });
  const people = { ...attendees, ...operators };
  const data = lake({ ...common, accounts, people, services });
  const { buckets } = data;
  const compute = spark({
    ...common,
    worker: accounts.worker,
    buckets,
    datasetId: data.warehouse.datasetId,
    code: data.code,
    network,
    services,
  });
  const base = { config, network, accounts, data, compute };
  const { notebooks, bundles, pipelines, functions } = buckets;
  if (!network || !compute.images || !notebooks || !pipelines || !functions) return labOutputs(base);

  const parameters = pipelineParameters(data, compute.runtime.settings, network);
  const models = ml({
    ...common,
    runner: accounts.runner,
    launcher: accounts.launcher,
    scoring: accounts.scoring,
    buckets: { pipelines, functions, bundles },
    images: compute.images,
    parameters,
    people,
    services,
  });
  const settings = pulumi.jsonStringify(runSettings(config, data, compute.runtime, models));
  const runs = orchestration({
    ...common,
    accounts,
    operators,
    buckets: { pipelines, functions, dags: buckets.dags },
    network,
    pipelineRoot: models.pipelineRoot,
    parameters: models.parameters,
    dagSettings: settings,
    services,
  });
  const desk = workbench({ ...common, account: accounts.workbench, bucket: notebooks, network, settings, services });
  const watch = observability({ ...common, bucket: buckets.raw, services });
  return labOutputs({ ...base, whole: { models, runs, desk, watch } });
}
