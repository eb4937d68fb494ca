// Judges pictures of aligned faces with face-api's networks, which have never seen this project.
//
//   node judge.mjs FOLDER < question.json > answer.json
//
// FOLDER holds node_modules. The question is {"pictures": {name: path of a PNG}}; the answer is {"versions": {...},
// "verdicts": {name: {detected, detector, score, box, descriptor, expressions, fixed: {descriptor, expressions}}}}.
// `descriptor` has 128 numbers. Where no face is detected, both are of the fixed crop.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const SIDE = 384; // pixels that a picture is enlarged to for the detectors
const MARGIN = 96; // on each side; faces that fill a picture are seldom detected
const LEAST_SCORE = 0.5;
// Of the picture's side: where the recognition network's training would have cut a face that FFHQ's alignment placed.
const FIXED = { left: 0.195, top: 0.29, side: 0.61 };

console.log = console.info = console.error; // stdout is the answer's

const folder = path.resolve(process.argv[2] ?? ".");
const require = createRequire(path.join(folder, "package.json"));
const tf = require("@tensorflow/tfjs");
const wasm = require("@tensorflow/tfjs-backend-wasm");
const face = require("@vladmandic/face-api/dist/face-api.node-wasm.js");
const { PNG } = require("pngjs");

async function load() {
  const binaries = path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm"));
  wasm.setWasmPaths(binaries + path.sep);
  wasm.setThreadsCount(1);
  if (!(await tf.setBackend("wasm"))) throw new Error("TensorFlow.js has no WebAssembly here");
  await tf.ready();
  const models = path.join(path.dirname(require.resolve("@vladmandic/face-api/package.json")), "model");
  const { ssdMobilenetv1, tinyFaceDetector, faceLandmark68Net, faceRecognitionNet, faceExpressionNet } = face.nets;
  for (const net of [ssdMobilenetv1, tinyFaceDetector, faceLandmark68Net, faceRecognitionNet, faceExpressionNet]) {
    await net.loadFromDisk(models);
  }
}

/** The picture, float32 [SIDE, SIDE, 3] of 0..255. */
function read(file) {
  const png = PNG.sync.read(readFileSync(file));
  return tf.tidy(() => {
    const pixels = tf.tensor3d(new Uint8Array(png.data), [png.height, png.width, 4], "int32");
    return tf.image.resizeBilinear(pixels.slice([0, 0, 0], [-1, -1, 3]), [SIDE, SIDE], false, true);
  });
}

/** Its surroundings have the mean colour. */
function padded(picture) {
  return tf.tidy(() => {
    const mean = picture.mean([0, 1]);
    const margins = [[MARGIN, MARGIN], [MARGIN, MARGIN], [0, 0]];
    return picture.sub(mean).pad(margins).add(mean);
  });
}

/** The best face that one of the detectors is sure of: SSD MobileNet is asked first. */
async function find(picture) {
  const detectors = {
    ssd: new face.SsdMobilenetv1Options({ minConfidence: LEAST_SCORE, maxResults: 1 }),
    tiny: new face.TinyFaceDetectorOptions({ inputSize: 416, scoreThreshold: LEAST_SCORE }),
  };
  for (const [detector, options] of Object.entries(detectors)) {
    const found = await face.detectSingleFace(picture, options)
      .withFaceLandmarks().withFaceExpressions().withFaceDescriptor();
    if (found) return { detector, ...found };
  }
  return undefined;
}

function plain(expressions) {
  return Object.fromEntries(Object.entries(expressions).map(([name, value]) => [name, Number(value)]));
}

async function judgeFixed(picture) {
  const [top, left, side] = [FIXED.top, FIXED.left, FIXED.side].map((share) => Math.round(share * SIDE));
  const crop = picture.slice([top, left, 0], [side, side, 3]);
  const descriptor = await face.computeFaceDescriptor(crop);
  const expressions = await face.recognizeFaceExpressions(crop);
  crop.dispose();
  return { descriptor: Array.from(descriptor), expressions: plain(expressions) };
}

/** In shares of the picture's side: left, top, width, height of what the recognition network is shown. */
function place(found) {
  const { x, y, width, height } = found.landmarks.align(null, { useDlibAlignment: true });
  return [(x - MARGIN) / SIDE, (y - MARGIN) / SIDE, width / SIDE, height / SIDE];
}

async function judge(file) {
  const picture = read(file);
  const whole = padded(picture);
  const fixed = await judgeFixed(picture);
  const found = await find(whole);
  tf.dispose([picture, whole]);
  if (!found) return { detected: false, detector: "", score: 0, box: null, ...fixed, fixed };
  return {
    detected: true,
    detector: found.detector,
    score: found.detection.score,
    box: place(found),
    descriptor: Array.from(found.descriptor),
    expressions: plain(found.expressions),
    fixed,
  };
}

await load();
const verdicts = {};
for (const [name, file] of Object.entries(JSON.parse(readFileSync(0, "utf8")).pictures)) {
  verdicts[name] = await judge(file);
}
const versions = { node: process.versions.node, "face-api": face.version, tfjs: tf.version_core };
process.stdout.write(JSON.stringify({ versions, verdicts }));
