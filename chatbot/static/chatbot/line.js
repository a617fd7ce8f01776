/* The staff's line to one chat: says when there is something to see, who types and how far was read.
   Without it the inbox polls, and nothing is lost. */
window.rapportLine = (path, on) => {
  "use strict";
  let socket = null;
  let tries = 0;
  let typed = 0;
  let read = 0;
  let wanted = 0;
  const isOpen = () => socket !== null && socket.readyState === WebSocket.OPEN;
  const send = (frame) => { if (isOpen()) socket.send(JSON.stringify(frame)); };
  function connect() {
    socket = new WebSocket(location.origin.replace(/^http/, "ws") + path);
    socket.onopen = () => { tries = 0; read = 0; typed = 0; tell(); };
    socket.onmessage = (event) => { const frame = JSON.parse(event.data); if (on[frame.type]) on[frame.type](frame); };
    socket.onclose = () => {
      on.typing({ sender: "customer", typing: false });
      if (tries > 8) return; // not for this reader, or no sockets here: the page goes on polling
      setTimeout(connect, Math.min(30000, 1000 * 2 ** tries++) * (0.6 + 0.8 * Math.random()));
    };
  }
  function tell() { if (wanted > read && isOpen() && !document.hidden) { read = wanted; send({ type: "read", seq: read }); } }
  document.addEventListener("visibilitychange", tell);
  connect();
  return {
    isOpen,
    /** Everything up to this message has been on the screen; `again` where it has to be said anew. */
    read(seq, again) { wanted = Math.max(wanted, seq); if (again) read = 0; tell(); },
    typing(is) {
      if (is && Date.now() - typed < 2500) return;
      if (!is && !typed) return;
      typed = is ? Date.now() : 0;
      send({ type: "typing", typing: is });
    },
  };
};
