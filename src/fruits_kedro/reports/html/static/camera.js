"use strict";
// The camera of this device: what it shows is taken as a photo, like a chosen file.
// Browsers lend a camera only to pages of HTTPS or of this machine.
(() => {
  const $ = (id) => document.getElementById(id);
  const words = JSON.parse($("words").textContent);
  const view = $("view");
  const show = (isOn) => {
    $("camera").hidden = isOn;
    $("viewer").hidden = !isOn;
  };
  async function begin() {
    const wanted = { video: { facingMode: "environment", width: { ideal: 1280 } } };
    try {
      view.srcObject = await navigator.mediaDevices.getUserMedia(wanted);
      await view.play();
    } catch {
      $("said").textContent = words.no_camera;
      return;
    }
    show(true);
    $("shoot").focus();
  }
  function end() {
    for (const track of view.srcObject.getTracks()) track.stop();
    view.srcObject = null;
    show(false);
    $("camera").focus();
  }
  async function shoot() {
    const canvas = document.createElement("canvas");
    canvas.width = view.videoWidth;
    canvas.height = view.videoHeight;
    canvas.getContext("2d").drawImage(view, 0, 0);
    const content = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
    const chosen = new DataTransfer();
    chosen.items.add(new File([content], words.photo, { type: "image/jpeg" }));
    $("file").files = chosen.files;
    $("file").dispatchEvent(new Event("change"));
  }
  $("camera").hidden = !navigator.mediaDevices?.getUserMedia;
  $("camera").addEventListener("click", begin);
  $("shoot").addEventListener("click", shoot);
  $("stop").addEventListener("click", end);
})();
