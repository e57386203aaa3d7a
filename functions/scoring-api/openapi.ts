/** The OpenAPI document of the API. Inputs are those of the active model, which GET /v1/model lists. */
const json = (schema: object) => ({ content: { "application/json": { schema } } });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const text = { type: "string" };
const refusal = (description: string) => ({ description, ...json(ref("Error")) });

export function openApi() {
  return {
    openapi: "3.1.0",
    info: {
      title: "Churn scoring",
      version: "1",
      description: "The probability that a customer leaves, as Spark gives it",
    },
    paths: PATHS,
    components: { schemas: SCHEMAS },
  };
}

const PATHS = {
  "/v1/predict": {
    post: {
      operationId: "predict",
      summary: "Predict for customers; if one instance is wrong, nothing is predicted and every problem is named",
      requestBody: { required: true, ...json(ref("PredictRequest")) },
      responses: {
        200: { description: "One prediction per instance, in order", ...json(ref("PredictResponse")) },
        400: refusal("Wrong instances, with up to 1,000 problems"),
        413: refusal("More than 1.5 MB"),
        415: refusal("Not application/json"),
        503: refusal("No champion yet"),
      },
    },
  },
  "/healthz": {
    get: {
      operationId: "health",
      summary: "Alive; without a model_version there is no champion yet",
      responses: { 200: { description: "Alive", ...json(ref("Health")) } },
    },
  },
  "/v1/model": {
    get: {
      operationId: "model",
      summary: "The model that answers",
      responses: {
        200: { description: "The model and its inputs", ...json(ref("Model")) },
        503: refusal("No champion yet"),
      },
    },
  },
};

const SCHEMAS = {
  PredictRequest: {
    type: "object",
    additionalProperties: false,
    required: ["instances"],
    properties: {
      instances: {
        type: "array",
        minItems: 1,
        items: {
          type: "object",
          description: "All inputs of the model and nothing else: categories as text, amounts as numbers",
        },
      },
      parameters: {
        type: ["object", "null"],
        maxProperties: 0,
        description: "Vertex AI may send it empty; the model has none",
      },
    },
  },
  PredictResponse: {
    type: "object",
    required: ["predictions"],
    properties: { predictions: { type: "array", items: ref("Prediction") } },
  },
  Prediction: {
    type: "object",
    additionalProperties: false,
    required: ["churn", "probability", "model_version"],
    properties: {
      churn: { enum: ["yes", "no"] },
      probability: { type: "number", minimum: 0, maximum: 1 },
      unseen: {
        type: "array",
        items: text,
        description: "Inputs with a category that training never saw; they have no say",
      },
      model_version: text,
    },
  },
  Health: {
    type: "object",
    required: ["status"],
    properties: { status: { const: "ok" }, model_version: text },
  },
  Model: {
    type: "object",
    required: ["name", "version", "operation", "pipeline_id", "gcs_uri", "inputs"],
    properties: {
      name: text,
      version: text,
      operation: text,
      pipeline_id: text,
      gcs_uri: text,
      inputs: { type: "array", items: { type: "object", required: ["name", "kind"] } },
      champion: {
        type: "object",
        description:
          "Who made it the champion, as pyspark/champion.schema.json describes it; absent of a deployed model",
      },
      newer_model_refused: { ...text, description: "Why the newest bundle does not answer" },
    },
  },
  Error: {
    type: "object",
    required: ["error"],
    properties: {
      error: {
        type: "object",
        required: ["code", "message", "status", "details"],
        properties: {
          code: { type: "integer" },
          message: text,
          status: text,
          details: { type: "array", items: { type: "object" } },
        },
      },
    },
  },
};
