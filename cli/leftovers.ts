/** What is in the project now, asked of Google's APIs: after a destroy, this is what stays behind and why. */
import { listAll } from "./google";

export interface Leftover {
  kind: string;
  name: string;
  /** Why it is there although no stack declares it, or what it costs. */
  why: string;
}

interface Source {
  kind: string;
  url: (project: string, region: string) => string;
  field: string;
  name: (item: Record<string, string>) => string;
  why: string;
}

const SOURCES: readonly Source[] = [
  { kind: "bucket", url: (p) => `https://storage.googleapis.com/storage/v1/b?project=${p}`, field: "items", name: (i) => `gs://${i.name}`, why: "not declared by this stack; stored bytes are billed" },
  { kind: "data set", url: (p) => `https://bigquery.googleapis.com/bigquery/v2/projects/${p}/datasets`, field: "datasets", name: (i) => String(i.id), why: "not declared by this stack; stored bytes are billed" },
  { kind: "service account", url: (p) => `https://iam.googleapis.com/v1/projects/${p}/serviceAccounts`, field: "accounts", name: (i) => String(i.email), why: "not declared by this stack; free" },
  { kind: "custom role", url: (p) => `https://iam.googleapis.com/v1/projects/${p}/roles?showDeleted=true`, field: "roles", name: (i) => String(i.name), why: "a deleted role can be restored for 7 days and its id stays blocked; free" },
  { kind: "session template", url: (p, r) => `https://dataproc.googleapis.com/v1/projects/${p}/locations/${r}/sessionTemplates`, field: "sessionTemplates", name: (i) => String(i.name), why: "not declared by this stack; free" },
  { kind: "batch", url: (p, r) => `https://dataproc.googleapis.com/v1/projects/${p}/locations/${r}/batches`, field: "batches", name: (i) => `${i.name} (${i.state})`, why: "a record of a finished run, kept by Google; free" },
  { kind: "service", url: (p) => `https://serviceusage.googleapis.com/v1/projects/${p}/services?filter=state:ENABLED`, field: "services", name: (i) => String(i.name).split("/").at(-1)!, why: "left enabled, since other work may need it; free" },
];

/** Everything that the project holds, by kind. */
export async function leftovers(project: string, region: string): Promise<Leftover[]> {
  const lists = await Promise.all(
    SOURCES.map(async ({ kind, url, field, name, why }) =>
      (await listAll<Record<string, string>>(url(project, region), field)).map((item) => ({ kind, name: name(item), why })),
    ),
  );
  return lists.flat();
}
