/** Pages of the Google Cloud console where the lab's parts are seen. */
import type { Feature } from "./config/features";
import type { LabConfig } from "./config";

const DATA = {
  batches: "dataproc/batches",
  sessionTemplate: "dataproc/interactive/session_templates",
  tables: "bigquery",
  buckets: "storage/browser",
};

const WHOLE = {
  network: "networking/networks/list",
  images: "artifacts",
  pipelines: "vertex-ai/pipelines/runs",
  models: "vertex-ai/models",
  endpoints: "vertex-ai/online-prediction/endpoints",
  experiments: "vertex-ai/experiments",
  alerts: "monitoring/alerting",
  dashboards: "monitoring/dashboards",
};

const BY_FEATURE: Partial<Record<Feature, Record<string, string>>> = {
  trigger: { function: "functions/list", schedule: "cloudscheduler" },
  scoringApi: { scoringApi: "run" },
  workbench: { workbench: "vertex-ai/workbench/instances" },
  historyServer: { historyServer: "dataproc/clusters" },
  metastore: { metastore: "dataproc/metastore/services" },
  vertexSchedule: { vertexSchedule: "vertex-ai/pipelines/schedules" },
  notebookSchedule: { notebookSchedule: "cloudscheduler" },
  queue: { topic: "cloudpubsub/topic/list", queue: "cloudtasks" },
  composer: { airflow: "composer/environments" },
};

/** Address by what is seen there; only of what there is. */
export function consolePages({ project, region, features }: LabConfig, whole: boolean): Record<string, string> {
  const chosen = (Object.entries(BY_FEATURE) as [Feature, Record<string, string>][])
    .filter(([feature]) => features[feature])
    .map(([, pages]) => pages);
  const paths: Record<string, string> = Object.assign({}, DATA, whole ? WHOLE : {}, ...chosen);
  const page = (path: string) => `https://console.cloud.google.com/${path}?project=${project}`;
  const logs = `logs/query;query=resource.type%3D%22cloud_dataproc_batch%22%20resource.labels.location%3D%22${region}%22`;
  return { ...Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, page(path)])), logs: page(logs) };
}
