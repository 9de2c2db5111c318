// Browsers refuse workers to a page that was opened as a file: there, the search runs in a hidden frame.
// As between a page and its worker, messages are copies and come later: the box for words is else emptied.
const later = (data, deliver) => {
  const copy = structuredClone(data);
  setTimeout(() => deliver(new MessageEvent("message", { data: copy })));
};

if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inside = frame.contentWindow;
      inside.postMessage = (data) => later(data, (event) => {
        this.dispatchEvent(event);
        this.onmessage?.(event);
      });
      const script = inside.document.createElement("script");
      script.src = address;
      this.ready = new Promise((ready) => { script.onload = () => ready(inside); });
      inside.document.head.append(script);
      this.terminate = () => frame.remove();
    }

    postMessage(data) {
      this.ready.then((inside) => later(data, (event) => inside.dispatchEvent(event)));
    }
  };
}
