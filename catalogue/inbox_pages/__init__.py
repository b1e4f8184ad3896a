"""What the pages of « À revoir » say, as plain values in the current language; addresses and HTML stay out.

    lists       everything that waits, by kind
    difference  one question of a source: the result first, then each field in its three states
    acts        what one has just decided, to take it back
    pairs       two notices that may be one; a candidate with those that may be it; what was brought together

What is decided is written by `catalogue.reviewing`.
"""
