/*
 * ONNX Runtime gives the machine an id and keeps events under ~/.cache/Microsoft, to be sent to Microsoft. Here it does
 * not: who runs this has not been asked. It reads the variable once, when it is loaded, so that this comes before it. Set
 * to 0, the variable lets it have its way.
 */
process.env['ORT_DISABLE_TELEMETRY'] ??= '1'
