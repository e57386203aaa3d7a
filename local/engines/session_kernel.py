"""Run in every kernel of a session before its first cell: `spark` and `sc` are the session's Spark, its views its own."""

from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from pyspark import SparkConf, SparkContext


def _attach() -> SparkSession:
    """Join the Spark application whose driver is the server's; its gateway's port and secret are in the environment."""
    gateway = launch_gateway()
    jvm = gateway.jvm
    application = jvm.org.apache.spark.SparkContext.getOrCreate()
    java_context = jvm.org.apache.spark.api.java.JavaSparkContext.fromSparkContext(application)
    conf = SparkConf(_jvm=jvm, _jconf=java_context.getConf())
    context = SparkContext(gateway=gateway, jsc=java_context, conf=conf)
    parent = jvm.org.apache.spark.sql.SparkSession.builder().getOrCreate()
    return SparkSession(context, parent.newSession())


spark = _attach()
sc = spark.sparkContext
