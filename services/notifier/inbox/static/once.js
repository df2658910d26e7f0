// A link that signs in once: /sign-in#once=PASSWORD. What stands behind # is never sent in an address;
// here it becomes what somebody would type. The page has this script only while such a link is good.
"use strict";

const form = document.getElementById("sign-in");
const MARK = "#once=";
if (form && location.hash.startsWith(MARK)) {
  form.elements.password.value = location.hash.slice(MARK.length);
  history.replaceState(null, "", location.pathname);
  form.submit();
}
