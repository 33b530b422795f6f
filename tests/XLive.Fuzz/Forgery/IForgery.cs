using XLive.Fuzz.Engine;

namespace XLive.Fuzz.Forgery;

/// <summary>A kind of signed text: right ones to begin from, the server's own judgement, and the oracle's.</summary>
public interface IForgery
{
    string Name { get; }

    string Forge(Dice dice, out string from, out Trick trick);

    /// <summary>The server's word.</summary>
    bool Accepts(string forged);

    /// <summary>The oracle's: decoded, it says no more than a right one does.</summary>
    bool SaysWhatWasSigned(string forged);
}
