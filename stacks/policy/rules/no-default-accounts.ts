/** A workload without an account of its own runs as a project's default one, which may do far too much. */
import { at, ifKnown, texts, type Rule } from "../rule";

const DEFAULT =
  /-compute@developer\.gserviceaccount\.com|@appspot\.gserviceaccount\.com|@cloudbuild\.gserviceaccount\.com/;

/** Where each kind of workload names its account. */
const ACCOUNTS: Readonly<Record<string, readonly string[]>> = {
  "gcp:dataproc/cluster:Cluster": ["clusterConfig.gceClusterConfig.serviceAccount"],
  "gcp:dataproc/sessionTemplate:SessionTemplate": ["environmentConfig.executionConfig.serviceAccount"],
  "gcp:cloudfunctionsv2/function:Function": ["serviceConfig.serviceAccountEmail", "buildConfig.serviceAccount"],
  "gcp:cloudrunv2/service:Service": ["template.serviceAccount"],
  "gcp:composer/environment:Environment": ["config.nodeConfig.serviceAccount"],
  "gcp:workbench/instance:Instance": ["gceSetup.serviceAccounts.0.email"],
  "gcp:colab/schedule:Schedule": ["createPipelineJobRequest.pipelineJob.serviceAccount"],
};

export const noDefaultAccounts: Rule = {
  name: "no-default-accounts",
  description: "Every workload has an account of its own; Google's default accounts are never used.",
  check: ({ type, props }) => [
    ...texts(props)
      .filter((text) => DEFAULT.test(text))
      .map((text) => `got the default account ${JSON.stringify(text)}; expected one of the lab's own`),
    ...(ACCOUNTS[type] ?? []).flatMap((path) =>
      ifKnown(() => (at(props, path) ? [] : [`${path}: got nothing; expected the e-mail of an account of the lab`])),
    ),
  ],
};
