using CsCheck;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>Blocks as they come and go, against a list of those that are there.</summary>
public class LiveBytesTests
{
    [Fact]
    public void Bytes_and_their_peak_are_those_of_the_blocks_that_are_held() => Gen.Int[0, 1_000_000].Sample(
        seed =>
        {
            var random = new Random(seed);
            var live = new LiveBytes();
            var held = new List<int>();
            var bytes = new List<long>();
            long peak = 0;
            for (var step = 0; step < 40; step++)
            {
                switch (random.Next(5))
                {
                    case 0:
                    case 1:
                        bytes.Add(random.Next(100));
                        held.Add(live.New(bytes[^1]));
                        Assert.Equal(bytes.Count - 1, held[^1]);
                        break;
                    case 2 when held.Count > 0:
                        held.Add(live.Share(held[random.Next(held.Count)]));
                        break;
                    case 3 when held.Count > 0:
                        var place = random.Next(held.Count);
                        live.Release(held[place]);
                        held.RemoveAt(place);
                        break;
                    case 4 when random.Next(2) == 0:
                        live.Touch(step);
                        peak = Math.Max(peak, Now() + step);
                        break;
                    case 4:
                        live.ForgetPeak();
                        peak = Now();
                        break;
                }

                peak = Math.Max(peak, Now());
                Assert.Equal((Now(), peak), (live.Now, live.Peak));
                Assert.All(held, block => Assert.Equal(bytes[block], live.Bytes(block)));
            }

            long Now() => held.Distinct().Sum(block => bytes[block]);
        },
        threads: 1);
}
