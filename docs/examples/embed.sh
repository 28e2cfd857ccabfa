# What docs/embedding.md shows, in the package's examples/.
set -eu
cc classify.c -I../include ../lib/liboctet.a -lm -lpthread -o classify
c++ -std=c++17 profile.cc -I../include ../lib/liboctet.a -lm -lpthread -o profile
cc classify.c -I../include -L../lib -loctet -lm -o classify_shared
