/** The job catalogue, pyspark/jobs.yaml: what each batch runs, with its arguments filled in for one stack. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { UserError, type Lab } from "./lab";

const jobSchema = z.object({
  description: z.string(),
  main: z.string(),
  pipeline: z.string(),
  after: z.array(z.string()).default([]),
  arguments: z.record(z.string(), z.string()),
  properties: z.record(z.string(), z.string()).default({}),
  reads: z.array(z.string()).default([]),
  writes: z.array(z.string()).default([]),
});
const catalogueSchema = z.object({ jobs: z.record(z.string(), jobSchema) });
export type Job = z.infer<typeof jobSchema> & { name: string };

/** Jobs of the catalogue, each after those that it follows. */
export function readCatalogue(lab: Lab): Job[] {
  const text = readFileSync(join(lab.root, "pyspark", "jobs.yaml"), "utf8");
  const { jobs } = catalogueSchema.parse(parse(text));
  return inOrder(Object.entries(jobs).map(([name, job]) => ({ name, ...job })));
}

/** Topological order; the catalogue's own order decides between equals. */
export function inOrder(jobs: readonly Job[]): Job[] {
  const done = new Map<string, Job>();
  const rest = [...jobs];
  while (rest.length > 0) {
    const index = rest.findIndex((job) => job.after.every((name) => done.has(name)));
    const [next] = index < 0 ? [] : rest.splice(index, 1);
    if (!next)
      throw new UserError(
        `pyspark/jobs.yaml: jobs ${rest.map((job) => job.name).join(", ")} follow each other or a job that does not exist`,
      );
    done.set(next.name, next);
  }
  return [...done.values()];
}

/** Arguments of a job as a flat list, placeholders replaced; every unknown placeholder is named. */
export function fillArguments(job: Job, settings: Readonly<Record<string, string>>): string[] {
  const unknown = new Set<string>();
  const fill = (template: string) =>
    template.replace(/\{(\w+)\}/g, (whole, key: string) => {
      const value = settings[key];
      if (value === undefined) unknown.add(key);
      return value ?? whole;
    });
  const filled = Object.entries(job.arguments).flatMap(([flag, template]) => [flag, fill(template)]);
  if (unknown.size > 0) {
    throw new UserError(
      `pyspark/jobs.yaml, job ${job.name}: got placeholders ${[...unknown].map((key) => `{${key}}`).join(", ")}; expected ${Object.keys(settings).sort().join(", ")}`,
    );
  }
  return filled;
}
