/** What is in the project now, asked of Google's APIs: what no stack declares stays behind after a destroy. */
import { listAll } from "./google";

export interface Found {
  kind: string;
  name: string;
  /** The resource's id as Pulumi's state has it. */
  id: string;
  /** Why it may be there although no stack declares it, and whether it costs. */
  why: string;
}

type Item = Record<string, string>;
interface Source {
  kind: string;
  url: (project: string, region: string) => string;
  field: string;
  id: (item: Item, project: string) => string;
  why: string;
}

const BILLED = "not declared here; stored bytes are billed";
const SOURCES: readonly Source[] = [
  {
    kind: "bucket",
    url: (p) => `https://storage.googleapis.com/storage/v1/b?project=${p}`,
    field: "items",
    id: (i) => i.name!,
    why: BILLED,
  },
  {
    kind: "data set",
    url: (p) => `https://bigquery.googleapis.com/bigquery/v2/projects/${p}/datasets`,
    field: "datasets",
    id: (i) => i.id!.replace(/^([^:]+):(.+)$/, "projects/$1/datasets/$2"),
    why: BILLED,
  },
  {
    kind: "service account",
    url: (p) => `https://iam.googleapis.com/v1/projects/${p}/serviceAccounts`,
    field: "accounts",
    id: (i) => i.name!,
    why: "not declared here; free",
  },
  {
    kind: "custom role",
    url: (p) => `https://iam.googleapis.com/v1/projects/${p}/roles?showDeleted=true`,
    field: "roles",
    id: (i) => i.name!,
    why: "a deleted role can be restored for 7 days, its id stays blocked for weeks; free",
  },
  {
    kind: "session template",
    url: (p, r) => `https://dataproc.googleapis.com/v1/projects/${p}/locations/${r}/sessionTemplates`,
    field: "sessionTemplates",
    id: (i) => i.name!,
    why: "not declared here; free",
  },
  {
    kind: "batch",
    url: (p, r) => `https://dataproc.googleapis.com/v1/projects/${p}/locations/${r}/batches`,
    field: "batches",
    id: (i) => i.name!,
    why: "the record of a run; free",
  },
  ...["pipelineJobs", "models", "datasets"].map((field) => ({
    kind: { pipelineJobs: "pipeline job", models: "model", datasets: "tabular data set" }[field]!,
    url: (p: string, r: string) =>
      `https://${r}-aiplatform.googleapis.com/v1/projects/${p}/locations/${r}/${field}?readMask=name`,
    field,
    id: (i: Item) => i.name!,
    why: "what a pipeline run left; free",
  })),
  {
    kind: "service",
    url: (p) => `https://serviceusage.googleapis.com/v1/projects/${p}/services?filter=state:ENABLED`,
    field: "services",
    id: (i, p) => `${p}/${i.name!.split("/").at(-1)}`,
    why: "stays enabled, since other work may need it; free",
  },
];

/** Everything that the project holds, by kind. */
export async function findAll(project: string, region: string): Promise<Found[]> {
  const lists = await Promise.all(
    SOURCES.map(async ({ kind, url, field, id, why }) =>
      (await listAll<Item>(url(project, region), field).catch(noneOfDisabled)).map((item) => ({
        kind,
        name: id(item, project).split("/").at(-1)!,
        id: id(item, project),
        why,
      })),
    ),
  );
  return lists.flat();
}

/** A service that is switched off keeps nothing that one could ask for. */
export function noneOfDisabled(error: Error): never[] {
  if (/has not been used in project|SERVICE_DISABLED/.test(error.message)) return [];
  throw error;
}

/** What is there and not declared by a stack whose resources have these ids. */
export function undeclared(found: readonly Found[], declaredIds: ReadonlySet<string>): Found[] {
  return found.filter(({ id }) => !declaredIds.has(id));
}
