"""For JVMs that live for a minute, and have no archive of Spark's classes."""

# The first compiler alone, one thread for garbage, and no check of the classes in Spark's jars.
_OPTIONS = (
    *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
    *("-XX:+UnlockDiagnosticVMOptions", "-XX:-BytecodeVerificationRemote"),
)
QUICK_START = {"JAVA_TOOL_OPTIONS": " ".join(_OPTIONS)}
