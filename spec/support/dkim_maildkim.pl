# dkim_maildkim RECORDS MESSAGE…: what Mail::DKIM says of each message's
# signatures, told as dkim_dkimpy.py tells it.
use strict;
use warnings;
use Mail::DKIM::Verifier;

my ($path, @messages) = @ARGV;
my %records;
open my $in, '<', $path or die "$path: $!";
while (<$in>) { chomp; my ($name, $text) = split / /, $_, 2; $records{$name} = $text }

{
    package Record;
    sub type { 'TXT' }
    sub char_str_list { @{ $_[0] } }
    sub txtdata { join '', @{ $_[0] } }
}
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ($name) = @_;
        return defined $records{$name} ? (bless [$records{$name}], 'Record') : ();
    };
    *Mail::DKIM::DNS::query_async = sub {
        my ($name, $type, %how) = @_;
        my @found = Mail::DKIM::DNS::query($name);
        return sub { $how{Callbacks}{Success} ? $how{Callbacks}{Success}->(@found) : @found };
    };
}

for my $file (@messages) {
    open my $m, '<:raw', $file or die "$file: $!";
    my $v = Mail::DKIM::Verifier->new;
    local $/;
    $v->PRINT(<$m>);
    $v->CLOSE;
    print join(' ', map { $_->result eq 'pass' ? 'pass' : 'fail' } $v->signatures), "\n";
}
