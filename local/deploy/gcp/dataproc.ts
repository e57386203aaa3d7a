/** Session templates of the managed Spark service. */
import { type Properties, text } from "../values";
import type { Descriptor, Inputs } from "./descriptor";
import { toRest, type Shape } from "./shape";

const API = "https://dataproc.googleapis.com/v1";

const executionConfig: Shape = {
  serviceAccount: { type: "string", computed: true },
  stagingBucket: { type: "string" },
  subnetworkUri: { type: "string" },
  networkTags: { type: "list" },
  kmsKey: { type: "string" },
  idleTtl: { type: "string" },
  ttl: { type: "string", computed: true },
  authenticationConfig: {
    type: "object",
    fields: {
      userWorkloadAuthenticationType: { type: "string", allowed: ["SERVICE_ACCOUNT", "END_USER_CREDENTIALS"] },
    },
  },
};

const shape: Shape = {
  project: { type: "string", rest: false, computed: true, replaces: true },
  name: { type: "string", required: true, replaces: true },
  location: { type: "string", rest: false, replaces: true },
  labels: { type: "map" },
  environmentConfig: {
    type: "object",
    fields: {
      executionConfig: { type: "object", fields: executionConfig },
      peripheralsConfig: {
        type: "object",
        computed: true,
        fields: {
          metastoreService: { type: "string" },
          sparkHistoryServerConfig: { type: "object", fields: { dataprocCluster: { type: "string" } } },
        },
      },
    },
  },
  jupyterSession: {
    type: "object",
    fields: { displayName: { type: "string" }, kernel: { type: "string", allowed: ["PYTHON", "SCALA"] } },
  },
  sparkConnectSession: { type: "object", fields: {} },
  runtimeConfig: {
    type: "object",
    fields: {
      version: { type: "string" },
      containerImage: { type: "string" },
      properties: { type: "map" },
      effectiveProperties: { type: "map", computed: true },
    },
  },
};

const sessionTemplate: Descriptor = {
  type: "gcp:dataproc/sessionTemplate:SessionTemplate",
  source: "dataproc.v1 projects.locations.sessionTemplates; google_dataproc_session_template",
  shape,
  outputs: { uuid: "uuid", creator: "creator", createTime: "createTime", updateTime: "updateTime" },
  labelled: true,
  hasDeletionPolicy: true,
  autoName: { property: "name", length: 255 },
  id: ({ name }) => text(name),
  create: ({ http }, inputs) =>
    http.call({ method: "POST", url: `${API}/${parent(inputs)}/sessionTemplates`, body: body(inputs) }),
  read: ({ http }, { name }) => http.find(`${API}/${text(name)}`),
  update: ({ http }, { news }) => http.call({ method: "PATCH", url: `${API}/${text(news.name)}`, body: body(news) }),
  delete: async ({ http }, { name }) => void (await http.remove(`${API}/${text(name)}`)),
};

const parent = ({ name }: Inputs) => text(name).split("/sessionTemplates/")[0]!;
/** The kind of session that is not used is sent as null, so that a change of kind clears it. */
const body = (inputs: Inputs): Properties => ({
  jupyterSession: null,
  sparkConnectSession: null,
  ...toRest(shape, inputs),
});

export const DATAPROC: readonly Descriptor[] = [sessionTemplate];
