#!/bin/sh
# SPDX-FileCopyrightText: The spanseal authors
# SPDX-License-Identifier: Apache-2.0
#
# Ends the servers of a test process that has died. It reads lines from the test process:
# `+ PID` a server started, `- PID` it ended, `d FOLDER` a scratch folder, `u FOLDER` it is gone.
# When the pipe closes, however the test process ended, what is left is killed and removed.
# A signal to the whole process group (Ctrl-C) must not end the guard before its work.
trap '' INT TERM HUP
pids=' '
folders=''
newline='
'
while read -r what value; do
  case $what in
    +) pids="$pids$value " ;;
    -) pids="${pids%% "$value" *} ${pids#* "$value" }" ;;
    d) folders="$folders$value$newline" ;;
    u) folders=$(printf '%s' "$folders" | grep -Fvx -e "$value" -e '')$newline ;;
  esac
done
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
printf '%s' "$folders" | while read -r folder; do
  case $folder in */spanseal-test-*) rm -rf "$folder" ;; esac
done
